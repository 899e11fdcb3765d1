package weir.peers;

import ai.onnxruntime.OrtException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.apache.kafka.streams.processor.PunctuationType;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.processor.internals.InternalProcessorContext;
import org.apache.kafka.streams.processor.internals.ProcessorNode;

/** Judges prompts in batches: when one is full, when what was polled is through, and before each commit. */
final class PromptProcessor implements Processor<byte[], byte[], byte[], byte[]> {
    private static final int BATCH = 64;
    private static final Duration WAIT = Duration.ofMillis(1);

    private final Judge judge;
    private final Wire wire;
    private final List<Record<byte[], byte[]>> records = new ArrayList<>(BATCH);
    private final List<Judge.Waiting> waiting = new ArrayList<>(BATCH);
    private ProcessorContext<byte[], byte[]> context;

    PromptProcessor(Judge judge, Wire wire) {
        this.judge = judge;
        this.wire = wire;
    }

    @Override
    public void init(ProcessorContext<byte[], byte[]> context) {
        this.context = context;
        context.schedule(WAIT, PunctuationType.WALL_CLOCK_TIME, now -> flush());
        InternalProcessorContext<byte[], byte[]> inside = (InternalProcessorContext<byte[], byte[]>) context;
        ProcessorNode<?, ?, ?, ?> node = inside.currentNode();
        context.<BatchStore>getStateStore(BatchStore.NAME).onCommit(() -> {
            // As the listeners of Kafka Streams' caches do: nobody else says here whose records these are.
            ProcessorNode<?, ?, ?, ?> previous = inside.currentNode();
            inside.setCurrentNode(node);
            flush();
            inside.setCurrentNode(previous);
        });
    }

    @Override
    public void process(Record<byte[], byte[]> record) {
        try {
            waiting.add(new Judge.Waiting(wire.decode(record.value()), Job.origin(context)));
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
        records.add(record);
        if (records.size() == BATCH) {
            flush();
        }
    }

    private void flush() {
        if (records.isEmpty()) {
            return;
        }
        List<byte[]> verdicts;
        try {
            verdicts = judge.prompts(waiting);
        } catch (IOException | OrtException error) {
            throw new IllegalStateException(error);
        }
        for (int index = 0; index < records.size(); index++) {
            context.forward(records.get(index).withValue(verdicts.get(index)));
        }
        records.clear();
        waiting.clear();
    }
}
