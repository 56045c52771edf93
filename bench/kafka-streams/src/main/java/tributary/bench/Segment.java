package tributary.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** "At least so many such events within a window": the part of the rule language that the comparison needs. */
record Segment(String key, String event, long windowMs, int atLeast) {

    /** Reads bench/windowed-segments.json. A rule that is more than this application can do is refused. */
    static List<Segment> read(Path file) throws IOException {
        List<Segment> segments = new ArrayList<>();
        for (JsonNode each : new ObjectMapper().readTree(file.toFile())) {
            JsonNode rule = each.path("rule");
            if (rule.size() != 3 || !"gte".equals(rule.path("count").path("op").asText())) {
                throw new IllegalArgumentException("Only {performed, within, count gte} is written here: " + rule);
            }
            segments.add(new Segment(each.path("key").asText(), rule.path("performed").asText(),
                toMs(rule.path("within").asText()), rule.path("count").path("value").asInt()));
        }
        return segments;
    }

    private static long toMs(String duration) {
        long amount = Long.parseLong(duration.substring(0, duration.length() - 1));
        return switch (duration.charAt(duration.length() - 1)) {
            case 's' -> amount * 1_000;
            case 'm' -> amount * 60_000;
            case 'h' -> amount * 3_600_000;
            case 'd' -> amount * 86_400_000;
            default -> throw new IllegalArgumentException(duration);
        };
    }
}
