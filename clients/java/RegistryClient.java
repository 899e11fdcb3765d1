import io.apicurio.registry.serde.avro.AvroKafkaDeserializer;
import io.apicurio.registry.serde.avro.AvroKafkaSerializer;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.generic.GenericRecordBuilder;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * An ordinary Avro client in Java: Apicurio's serializers with Confluent's framing, and nothing of Weir's.
 *
 * <p>Usage: BROKERS REGISTRY send TOPIC SCHEMA_FILE REQUEST_ID TEXT, or BROKERS REGISTRY read TOPIC REQUEST_ID... The
 * registry's address is that of Apicurio's own interface.
 */
final class RegistryClient {
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    public static void main(String[] arguments) throws Exception {
        // Confluent's frame (a zero, four bytes of id) around the id that Apicurio gives a content.
        Map<String, Object> registry = Map.of(
                "apicurio.registry.url", arguments[1],
                "apicurio.registry.headers.enabled", false,
                "apicurio.registry.id-handler", "io.apicurio.registry.serde.Legacy4ByteIdHandler",
                "apicurio.registry.use-id", "contentId",
                "apicurio.registry.find-latest", true);
        List<String> rest = Arrays.asList(arguments).subList(3, arguments.length);
        switch (arguments[2]) {
            case "send" -> send(arguments[0], registry, rest.get(0), Path.of(rest.get(1)), rest.get(2), rest.get(3));
            case "read" -> read(arguments[0], registry, rest.get(0), new HashSet<>(rest.subList(1, rest.size())));
            default -> throw new IllegalArgumentException(arguments[2]);
        }
    }

    private static void send(
            String brokers, Map<String, Object> registry, String topic, Path file, String requestId, String text)
            throws Exception {
        Schema schema = new Schema.Parser().parse(Files.readString(file));
        Schema segment = schema.getField("segments").schema().getElementType();
        GenericRecord user = new GenericRecordBuilder(segment)
                .set("role", new GenericData.EnumSymbol(segment.getField("role").schema(), "user"))
                .set("text", ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8)))
                .build();
        GenericRecord prompt = new GenericRecordBuilder(schema)
                .set("request_id", requestId)
                .set("tenant", "acme")
                .set("worker_id", "registry-client")
                .set("budget_us", 600_000_000L)
                .set("segments", List.of(user))
                .build();
        try (var serializer = new AvroKafkaSerializer<GenericRecord>();
                var producer = new KafkaProducer<>(
                        Map.<String, Object>of("bootstrap.servers", brokers), new StringSerializer(), serializer)) {
            serializer.configure(registry, false);
            producer.send(new ProducerRecord<>(topic, requestId, prompt)).get();
        }
    }

    /** Prints records as JSON, one a line, until there was one of each request. */
    private static void read(String brokers, Map<String, Object> registry, String topic, Set<String> left) {
        try (var deserializer = new AvroKafkaDeserializer<GenericRecord>();
                var consumer = new KafkaConsumer<>(
                        Map.<String, Object>of(
                                "bootstrap.servers", brokers, "isolation.level", "read_committed", "fetch.max.wait.ms", 10),
                        new StringDeserializer(),
                        deserializer)) {
            deserializer.configure(registry, false);
            List<TopicPartition> partitions = consumer.partitionsFor(topic).stream()
                    .map(partition -> new TopicPartition(topic, partition.partition()))
                    .toList();
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            long deadline = System.nanoTime() + PATIENCE.toNanos();
            while (!left.isEmpty()) {
                if (System.nanoTime() > deadline) {
                    throw new IllegalStateException("no record of " + left + " came within " + PATIENCE);
                }
                for (ConsumerRecord<String, GenericRecord> record : consumer.poll(Duration.ofMillis(200))) {
                    System.out.println(record.value());
                    left.remove(record.value().get("request_id").toString());
                }
            }
        }
    }
}
