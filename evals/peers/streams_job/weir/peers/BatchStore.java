package weir.peers;

import java.util.Map;
import org.apache.kafka.streams.processor.StateStore;
import org.apache.kafka.streams.processor.StateStoreContext;
import org.apache.kafka.streams.state.StoreBuilder;
import org.apache.kafka.streams.state.internals.CacheFlushListener;
import org.apache.kafka.streams.state.internals.CachedStateStore;

/**
 * Holds nothing: has Kafka Streams flush a processor's batch before it commits, in the way in which its own caches
 * are flushed, so that no offset passes a record without a verdict.
 */
final class BatchStore implements StateStore, CachedStateStore<byte[], byte[]> {
    static final String NAME = "batch";

    private Runnable flush = () -> { };

    static StoreBuilder<BatchStore> builder() {
        return new Builder();
    }

    void onCommit(Runnable work) {
        flush = work;
    }

    @Override
    public void flushCache() {
        flush.run();
    }

    @Override
    public void clearCache() { }

    @Override
    public boolean setFlushListener(CacheFlushListener<byte[], byte[]> listener, boolean sendOldValues) {
        return false;
    }

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public void init(StateStoreContext context, StateStore root) {
        context.register(root, (key, value) -> { });
    }

    @Override
    public void close() { }

    @Override
    public boolean persistent() {
        return false;
    }

    @Override
    public boolean isOpen() {
        return true;
    }

    private static final class Builder implements StoreBuilder<BatchStore> {
        @Override
        public StoreBuilder<BatchStore> withCachingEnabled() {
            return this;
        }

        @Override
        public StoreBuilder<BatchStore> withCachingDisabled() {
            return this;
        }

        @Override
        public StoreBuilder<BatchStore> withLoggingEnabled(Map<String, String> config) {
            return this;
        }

        @Override
        public StoreBuilder<BatchStore> withLoggingDisabled() {
            return this;
        }

        @Override
        public BatchStore build() {
            return new BatchStore();
        }

        @Override
        public Map<String, String> logConfig() {
            return Map.of();
        }

        @Override
        public boolean loggingEnabled() {
            return false;
        }

        @Override
        public String name() {
            return NAME;
        }
    }
}
