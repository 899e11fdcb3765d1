package weir.peers;

import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.state.Stores;

/**
 * The job: prompts and chunks in, verdicts out, each at least once. Prints {@code ready} when it runs; stops on
 * SIGTERM. Options are {@code --name value}: brokers, group, prompts, chunks, verdicts, settings, schemas, model
 * (without it, rules alone), hold-back, state, echo, time-rules, seconds.
 */
public final class Job {
    private Job() {}

    public static void main(String[] args) throws Exception {
        Map<String, String> options = new HashMap<>();
        for (int at = 0; at + 1 < args.length; at += 2) {
            options.put(args[at].replaceFirst("^--", ""), args[at + 1]);
        }
        if (options.containsKey("time-rules")) {
            timeRules(options);
            return;
        }
        KafkaStreams streams = new KafkaStreams(topology(options), properties(options));
        CountDownLatch stopped = new CountDownLatch(1);
        streams.setStateListener((now, before) -> {
            if (now == KafkaStreams.State.RUNNING) {
                System.out.println("ready");
            } else if (now == KafkaStreams.State.ERROR) {
                System.exit(1);
            }
        });
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            streams.close();
            stopped.countDown();
        }));
        streams.start();
        stopped.await();
    }

    /** Where the record being processed stands: the same whenever it is read again. */
    static String origin(ProcessorContext<?, ?> context) {
        return context.recordMetadata()
            .map(at -> at.topic() + "/" + at.partition() + "/" + at.offset())
            .orElseThrow();
    }

    private static Topology topology(Map<String, String> options) throws Exception {
        Topology topology = new Topology();
        List<String> sinkParents = new ArrayList<>();
        boolean echo = options.containsKey("echo");
        Path schemas = Path.of(options.get("schemas"));
        Judge judge = echo ? null : judge(options);
        ByteArrayDeserializer bytes = new ByteArrayDeserializer();
        if (options.containsKey("prompts")) {
            topology.addSource("prompts", bytes, bytes, options.get("prompts"));
            sinkParents.add("prompts");
            if (!echo) {
                Wire wire = new Wire(schemas.resolve("prompt.avsc"), 100_001);
                topology.addProcessor("judge-prompts", () -> new PromptProcessor(judge, wire), "prompts");
                topology.addStateStore(BatchStore.builder(), "judge-prompts");
                sinkParents.set(0, "judge-prompts");
            }
        }
        if (options.containsKey("chunks")) {
            int holdBack = Integer.parseInt(options.getOrDefault("hold-back", "0"));
            Wire wire = new Wire(schemas.resolve("chunk.avsc"), 100_008);
            topology.addSource("chunks", bytes, bytes, options.get("chunks"));
            topology.addProcessor("judge-chunks", () -> new ChunkProcessor(judge, wire, holdBack), "chunks");
            topology.addStateStore(
                Stores.keyValueStoreBuilder(
                    Stores.inMemoryKeyValueStore(ChunkProcessor.STORE), Serdes.String(), Serdes.ByteArray()),
                "judge-chunks");
            sinkParents.add("judge-chunks");
        }
        ByteArraySerializer out = new ByteArraySerializer();
        topology.addSink("verdicts", options.get("verdicts"), out, out, sinkParents.toArray(String[]::new));
        return topology;
    }

    private static Properties properties(Map<String, String> options) {
        Properties properties = new Properties();
        properties.put(StreamsConfig.APPLICATION_ID_CONFIG, options.get("group"));
        properties.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, options.get("brokers"));
        properties.put(StreamsConfig.STATE_DIR_CONFIG, options.get("state"));
        // One thread, which the judge is for.
        properties.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, 1);
        properties.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.AT_LEAST_ONCE);
        properties.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, 250);
        properties.put(StreamsConfig.POLL_MS_CONFIG, 10);
        properties.put(StreamsConfig.consumerPrefix(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG), "earliest");
        // The default of 100 ms is for throughput alone.
        properties.put(StreamsConfig.producerPrefix(ProducerConfig.LINGER_MS_CONFIG), 1);
        properties.put(StreamsConfig.producerPrefix(ProducerConfig.ACKS_CONFIG), "all");
        properties.put(StreamsConfig.producerPrefix(ProducerConfig.ENABLE_IDEMPOTENCE_CONFIG), true);
        return properties;
    }

    private static Judge judge(Map<String, String> options) throws Exception {
        String model = options.get("model");
        return new Judge(Path.of(options.get("settings")), Path.of(options.get("schemas")),
            model == null ? null : Path.of(model));
    }

    /** Prints the microseconds of processor time that the rules take for a text of a file of texts with zero bytes between them. */
    private static void timeRules(Map<String, String> options) throws Exception {
        Rules rules = judge(options).rules;
        String all = new String(Files.readAllBytes(Path.of(options.get("time-rules"))), StandardCharsets.UTF_8);
        List<byte[]> texts = new ArrayList<>();
        for (String text : all.split("\0")) {
            texts.add(text.getBytes(StandardCharsets.UTF_8));
        }
        double seconds = Double.parseDouble(options.getOrDefault("seconds", "2"));
        ThreadMXBean clock = ManagementFactory.getThreadMXBean();
        // The first time is for the compiler.
        for (double measured : new double[] {2 * seconds, seconds}) {
            long count = 0;
            long found = 0;
            long began = clock.getCurrentThreadCpuTime();
            while (clock.getCurrentThreadCpuTime() - began < measured * 1e9) {
                for (byte[] text : texts) {
                    found += rules.scan(new Text(text)).size();
                }
                count += texts.size();
            }
            if (found < 0) {
                throw new IllegalStateException();
            }
            options.put("us", String.valueOf((clock.getCurrentThreadCpuTime() - began) / 1e3 / count));
        }
        System.out.println(options.get("us"));
    }
}
