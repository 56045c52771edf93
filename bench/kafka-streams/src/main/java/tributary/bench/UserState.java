package tributary.bench;

import java.nio.ByteBuffer;
import java.util.List;
import org.apache.kafka.common.serialization.Deserializer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.serialization.Serializer;

/**
 * What one user needs for all segments. "At least n within a window" is decided by the n newest events alone, however
 * late others arrive, so no more are kept: the state is bounded, whatever the window.
 */
final class UserState {
    static final long NEVER = Long.MAX_VALUE;

    /** Per segment: instants of the newest events, newest first, as many as the threshold; 0 where there are fewer. */
    final long[][] instants;
    /** The hash of the id of each, by which a repeated message is known. */
    final long[][] ids;
    final boolean[] isMember;
    /** Under which instant the user stands in the index of due times; NEVER when it does not. */
    long indexedMs = NEVER;

    UserState(List<Segment> segments) {
        instants = new long[segments.size()][];
        ids = new long[segments.size()][];
        isMember = new boolean[segments.size()];
        for (int i = 0; i < segments.size(); i++) {
            instants[i] = new long[segments.get(i).atLeast()];
            ids[i] = new long[segments.get(i).atLeast()];
        }
    }

    /** Answers false when the event is known already, or too old to matter. */
    boolean add(int segment, long atMs, long id) {
        long[] times = instants[segment];
        long[] known = ids[segment];
        for (int i = 0; i < times.length; i++) if (times[i] != 0 && known[i] == id) return false;
        int place = times.length;
        while (place > 0 && times[place - 1] < atMs) place--;
        if (place == times.length) return false;
        System.arraycopy(times, place, times, place + 1, times.length - 1 - place);
        System.arraycopy(known, place, known, place + 1, known.length - 1 - place);
        times[place] = atMs;
        known[place] = id;
        return true;
    }

    /** Until when (exclusive) the events at hand make a member, 0 when they do not. */
    long memberUntilMs(int segment, Segment definition) {
        long oldest = instants[segment][definition.atLeast() - 1];
        return oldest == 0 ? 0 : oldest + definition.windowMs();
    }

    /** The first instant at which time alone ends a membership. */
    long dueMs(List<Segment> segments) {
        long due = NEVER;
        for (int i = 0; i < isMember.length; i++) if (isMember[i]) due = Math.min(due, memberUntilMs(i, segments.get(i)));
        return due;
    }

    static Serde<UserState> serde(List<Segment> segments) {
        int slots = segments.stream().mapToInt(Segment::atLeast).sum();
        int bytes = 8 + segments.size() + slots * 16;
        Serializer<UserState> serializer = (topic, state) -> {
            if (state == null) return null;
            ByteBuffer buffer = ByteBuffer.allocate(bytes).putLong(state.indexedMs);
            for (int i = 0; i < state.isMember.length; i++) {
                buffer.put((byte) (state.isMember[i] ? 1 : 0));
                for (int n = 0; n < state.instants[i].length; n++) buffer.putLong(state.instants[i][n]).putLong(state.ids[i][n]);
            }
            return buffer.array();
        };
        Deserializer<UserState> deserializer = (topic, stored) -> {
            if (stored == null) return null;
            ByteBuffer buffer = ByteBuffer.wrap(stored);
            UserState state = new UserState(segments);
            state.indexedMs = buffer.getLong();
            for (int i = 0; i < state.isMember.length; i++) {
                state.isMember[i] = buffer.get() == 1;
                for (int n = 0; n < state.instants[i].length; n++) {
                    state.instants[i][n] = buffer.getLong();
                    state.ids[i][n] = buffer.getLong();
                }
            }
            return state;
        };
        return Serdes.serdeFrom(serializer, deserializer);
    }
}
