package weir.peers;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.avro.generic.GenericRecord;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;

/**
 * Judges streamed answers with a carry-over buffer, so that what is cut between chunks is found. The last bytes of
 * what was read are kept in a state store and read again with the next chunk; with a hold-back, as many are not
 * released until more has come.
 */
final class ChunkProcessor implements Processor<byte[], byte[], byte[], byte[]> {
    static final String STORE = "streams";

    /** A stream so far: the bytes kept, where in the stream they begin, and what was released. */
    private record State(long start, long released, boolean blocked, byte[] kept) {
        static final int FIXED = 17;

        static State of(byte[] stored) {
            if (stored == null) {
                return new State(0, 0, false, new byte[0]);
            }
            ByteBuffer buffer = ByteBuffer.wrap(stored);
            return new State(buffer.getLong(), buffer.getLong(), buffer.get() != 0,
                Arrays.copyOfRange(stored, FIXED, stored.length));
        }

        byte[] stored() {
            return ByteBuffer.allocate(FIXED + kept.length)
                .putLong(start).putLong(released).put((byte) (blocked ? 1 : 0)).put(kept).array();
        }
    }

    private final Judge judge;
    private final Wire wire;
    private final int holdBack;
    private final int carry;
    private ProcessorContext<byte[], byte[]> context;
    private KeyValueStore<String, byte[]> store;

    ChunkProcessor(Judge judge, Wire wire, int holdBack) {
        this.judge = judge;
        this.wire = wire;
        this.holdBack = holdBack;
        // A match, what it must not be glued to, and as much again for addresses and numbers.
        carry = 2 * judge.rules.longest() + 8;
    }

    @Override
    public void init(ProcessorContext<byte[], byte[]> context) {
        this.context = context;
        store = context.getStateStore(STORE);
    }

    @Override
    public void process(Record<byte[], byte[]> record) {
        try {
            byte[] verdict = judged(wire.decode(record.value()));
            if (verdict != null) {
                context.forward(record.withValue(verdict));
            }
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
    }

    private byte[] judged(GenericRecord chunk) throws IOException {
        String name = chunk.get("request_id") + "/" + chunk.get("attempt") + "/" + chunk.get("choice") + "/"
            + chunk.get("channel");
        State state = State.of(store.get(name));
        if (state.blocked) {
            return null;
        }
        boolean ends = !chunk.get("end").toString().equals("none");
        byte[] more = Judge.bytes(chunk.get("text"));
        byte[] text = Arrays.copyOf(state.kept, state.kept.length + more.length);
        System.arraycopy(more, 0, text, state.kept.length, more.length);
        long before = state.start + state.kept.length;
        long total = state.start + text.length;
        List<Finding> decided = new ArrayList<>();
        long undecided = total;
        long cutAt = Long.MAX_VALUE;
        for (Finding one : judge.rules.scan(new Text(text))) {
            long start = one.start() + state.start;
            long end = one.end() + state.start;
            if (end == total && !ends) {
                // What comes next may be more of it.
                undecided = Math.min(undecided, start);
            } else if (end >= before && (one.start() > 0 || state.start == 0)) {
                decided.add(one.moved((int) state.start));
                if (one.rule().action() == Finding.Action.BLOCK) {
                    cutAt = Math.min(cutAt, start);
                }
            }
        }
        boolean blocked = cutAt < Long.MAX_VALUE;
        long limit = cutAt;
        if (!blocked) {
            limit = Math.min(total - (ends ? 0 : holdBack), undecided);
            limit = ends ? limit : state.start + whole(text, (int) (limit - state.start));
        }
        long released = Math.max(state.released, limit);
        int cut = Math.max(text.length - carry, 0);
        byte[] kept = Arrays.copyOfRange(text, cut, text.length);
        store.put(name, ends ? null : new State(state.start + cut, released, blocked, kept).stored());
        Finding.Action action = blocked ? Finding.Action.BLOCK
            : decided.isEmpty() ? Finding.Action.ALLOW : Finding.Action.WARN;
        GenericRecord verdict =
            judge.verdicts().of(chunk, judge.verdictId(Job.origin(context)), decided, action);
        verdict.put("stream_id", name);
        verdict.put("seq_from", chunk.get("seq"));
        verdict.put("seq_to", chunk.get("seq"));
        verdict.put("final", ends || blocked);
        verdict.put("checked_to", total);
        verdict.put("released_to", released);
        verdict.put("truncate_at", blocked ? cutAt : null);
        verdict.put("hold_from", released < total ? released : null);
        verdict.put("disposition", blocked ? judge.verdicts().disposition("keep") : null);
        return judge.verdicts().encode(verdict);
    }

    /** The limit, or a little less, so that no character is cut. */
    private static int whole(byte[] text, int limit) {
        if (limit <= 0) {
            return limit;
        }
        int first = limit - 1;
        while (first > 0 && limit - first < 4 && (text[first] & 0xC0) == 0x80) {
            first--;
        }
        int lead = text[first] & 0xFF;
        int length = 1 + (lead >= 0xC0 ? 1 : 0) + (lead >= 0xE0 ? 1 : 0) + (lead >= 0xF0 ? 1 : 0);
        return length > limit - first ? first : limit;
    }
}
