package tributary.bench;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.processor.PunctuationType;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.KeyValueStore;

/**
 * Keeps the segments of the users of one partition. The append time that the broker gave a record is when its event
 * became known; its own timestamp is when it happened. Exits by time come from a punctuator that walks an index of due
 * times: not through all users, and each with the exact instant at which the window ended.
 */
final class SegmentsProcessor implements Processor<String, byte[], String, byte[]> {
    static final String USERS = "users";
    static final String DUE = "due";
    private static final JsonFactory JSON = new JsonFactory();
    private static final ObjectMapper MAPPER = new ObjectMapper();

    private final List<Segment> segments;
    private final Duration punctuateEvery;
    private final PunctuationType time;
    private ProcessorContext<String, byte[]> context;
    private KeyValueStore<String, UserState> users;
    /** Key: due instant, 8 bytes big endian, then the user: in order of time. */
    private KeyValueStore<Bytes, byte[]> due;

    SegmentsProcessor(List<Segment> segments, Duration punctuateEvery, PunctuationType time) {
        this.segments = segments;
        this.punctuateEvery = punctuateEvery;
        this.time = time;
    }

    @Override
    public void init(ProcessorContext<String, byte[]> context) {
        this.context = context;
        users = context.getStateStore(USERS);
        due = context.getStateStore(DUE);
        context.schedule(punctuateEvery, time, this::leaveWhoIsDue);
    }

    @Override
    public void process(Record<String, byte[]> record) {
        Event event = Event.parse(record.value());
        if (event == null || record.key() == null) return;
        long knownMs = record.timestamp();
        long happenedMs = Math.min(event.timestampMs, knownMs);
        UserState state = users.get(record.key());
        if (state == null) state = new UserState(segments);
        // The punctuator may be late: what was over before this event became known ends first.
        boolean isChanged = leaveBefore(record.key(), state, knownMs);
        for (int i = 0; i < segments.size(); i++) {
            Segment segment = segments.get(i);
            if (!segment.event().equals(event.name) || !state.add(i, happenedMs, event.idHash)) continue;
            isChanged = true;
            if (!state.isMember[i] && state.memberUntilMs(i, segment) > knownMs) {
                state.isMember[i] = true;
                tell(record.key(), segment, "entered", knownMs, event.messageId);
            }
        }
        if (isChanged) store(record.key(), state);
    }

    private void leaveWhoIsDue(long nowMs) {
        List<KeyValue<Bytes, byte[]>> page = new ArrayList<>();
        try (KeyValueIterator<Bytes, byte[]> iterator = due.range(dueKey(0, ""), dueKey(nowMs, ""))) {
            while (iterator.hasNext()) page.add(iterator.next());
        }
        for (KeyValue<Bytes, byte[]> entry : page) {
            byte[] key = entry.key.get();
            String user = new String(key, 8, key.length - 8, StandardCharsets.UTF_8);
            UserState state = users.get(user);
            leaveBefore(user, state, nowMs);
            store(user, state);
        }
    }

    /** In order of their instants, as they would have been told one by one. */
    private boolean leaveBefore(String user, UserState state, long beforeMs) {
        boolean anyLeft = false;
        for (long next = state.dueMs(segments); next < beforeMs; next = state.dueMs(segments)) {
            for (int i = 0; i < segments.size(); i++) {
                if (!state.isMember[i] || state.memberUntilMs(i, segments.get(i)) != next) continue;
                state.isMember[i] = false;
                tell(user, segments.get(i), "left", next, null);
                anyLeft = true;
            }
        }
        return anyLeft;
    }

    private void store(String user, UserState state) {
        long dueMs = state.dueMs(segments);
        if (dueMs != state.indexedMs) {
            if (state.indexedMs != UserState.NEVER) due.delete(dueKey(state.indexedMs, user));
            if (dueMs != UserState.NEVER) due.put(dueKey(dueMs, user), new byte[0]);
            state.indexedMs = dueMs;
        }
        users.put(user, state);
    }

    private void tell(String user, Segment segment, String change, long effectiveMs, String messageId) {
        ObjectNode json = MAPPER.createObjectNode()
            .put("user", user).put("segment", segment.key()).put("change", change)
            .put("cause", messageId == null ? "time" : "event")
            .put("effectiveAt", Instant.ofEpochMilli(effectiveMs).toString())
            .put("processedAt", Instant.ofEpochMilli(System.currentTimeMillis()).toString());
        ObjectNode reason = json.putObject("reason");
        if (messageId != null) reason.putObject("event").put("messageId", messageId);
        context.forward(new Record<>(user, json.toString().getBytes(StandardCharsets.UTF_8), effectiveMs));
    }

    private static Bytes dueKey(long dueMs, String user) {
        byte[] name = user.getBytes(StandardCharsets.UTF_8);
        return Bytes.wrap(ByteBuffer.allocate(8 + name.length).putLong(dueMs).put(name).array());
    }

    /** What of a Segment-spec message matters here; read without building a tree. */
    private record Event(String name, String messageId, long idHash, long timestampMs) {
        static Event parse(byte[] json) {
            if (json == null) return null;
            String name = null;
            String messageId = "";
            long timestampMs = Long.MAX_VALUE;
            try (JsonParser parser = JSON.createParser(json)) {
                parser.nextToken();
                while (parser.nextToken() == JsonToken.FIELD_NAME) {
                    String field = parser.currentName();
                    parser.nextToken();
                    switch (field) {
                        case "event" -> name = parser.getText();
                        case "messageId" -> messageId = parser.getText();
                        case "timestamp" -> timestampMs = Instant.parse(parser.getText()).toEpochMilli();
                        default -> parser.skipChildren();
                    }
                }
            } catch (IOException | java.time.DateTimeException unreadable) {
                return null;
            }
            return name == null ? null : new Event(name, messageId, hash(messageId), timestampMs);
        }

        /** FNV-1a, 64 bits. */
        private static long hash(String text) {
            long hash = 0xcbf29ce484222325L;
            for (byte each : text.getBytes(StandardCharsets.UTF_8)) hash = (hash ^ each) * 0x100000001b3L;
            return hash;
        }
    }
}
