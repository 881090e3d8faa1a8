import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.header.Header;

/**
 * Manufacturer: the warranty claims (索赔) of the stores, with each step that they take.
 *
 * <p>A claim is drafted from an invoice, submitted, decided on, and settled or withdrawn. All its
 * events have the key of the repair order, so that they come in their order.
 */
public final class Claims {
    private static final String PREFIX = "aftersales.reception.WarrantyClaim";
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Map<String, ObjectNode> claims = new HashMap<>();
    private final Map<String, Long> positions = new HashMap<>();

    public static void main(String[] arguments) {
        var claims = new Claims();
        try (var consumer = new KafkaConsumer<String, byte[]>(settings())) {
            consumer.subscribe(List.of(System.getenv("KAFKA_TOPICS").split(",")));
            while (true) {
                for (var record : consumer.poll(Duration.ofSeconds(1))) {
                    claims.read(record);
                }
            }
        }
    }

    private static Properties settings() {
        var env = System.getenv();
        var settings = new Properties();
        settings.put("bootstrap.servers", env.get("KAFKA_BOOTSTRAP"));
        settings.put("group.id", env.get("KAFKA_GROUP"));
        settings.put("auto.offset.reset", "earliest");
        settings.put("enable.auto.commit", "false");
        settings.put("key.deserializer", "org.apache.kafka.common.serialization.StringDeserializer");
        settings.put(
                "value.deserializer", "org.apache.kafka.common.serialization.ByteArrayDeserializer");
        if (env.containsKey("KAFKA_USER")) {
            settings.put("security.protocol", "SASL_SSL");
            settings.put("sasl.mechanism", "SCRAM-SHA-512");
            settings.put(
                    "sasl.jaas.config",
                    "org.apache.kafka.common.security.scram.ScramLoginModule required username=\"%s\""
                                    .formatted(env.get("KAFKA_USER"))
                            + " password=\"%s\";".formatted(env.get("KAFKA_PASSWORD")));
        }
        if (env.containsKey("KAFKA_CA")) {
            settings.put("ssl.truststore.type", "PEM");
            settings.put("ssl.truststore.location", env.get("KAFKA_CA"));
        }
        return settings;
    }

    private void read(ConsumerRecord<String, byte[]> record) {
        var place = record.topic() + " " + record.key() + " " + header(record, "ce_storeid");
        var sequence = Long.parseLong(header(record, "ce_sequence"));
        if (sequence <= positions.getOrDefault(place, 0L)) {
            return; // repeated
        }
        positions.put(place, sequence);
        var type = header(record, "ce_type");
        if (!type.startsWith(PREFIX) || !type.endsWith(".v1")) {
            return; // a type that this program does not need, or does not know yet
        }
        try {
            apply(type.substring(PREFIX.length(), type.length() - ".v1".length()), record.value());
        } catch (java.io.IOException error) {
            System.err.printf(
                    "%s %d %d: %s%n",
                    record.topic(), record.partition(), record.offset(), error.getMessage());
        }
    }

    private void apply(String step, byte[] value) throws java.io.IOException {
        JsonNode data = JSON.readTree(value);
        var claim = claims.computeIfAbsent(data.get("claim_id").asText(), id -> JSON.createObjectNode());
        claim.put("step", step.toLowerCase());
        for (var name :
                List.of(
                        "store_id", "order_id", "claim_id", "amount_cents", "submission_number",
                        "approved_cents", "paid_cents", "written_off_cents")) {
            if (data.has(name)) {
                claim.set(name, data.get(name));
            }
        }
        if (data.has("lines")) {
            var codes = claim.putArray("codes");
            data.get("lines").forEach(line -> codes.add(line.get("code")));
        }
        System.out.println(claim);
    }

    private static String header(ConsumerRecord<String, byte[]> record, String name) {
        Header header = record.headers().lastHeader(name);
        return header == null ? "" : new String(header.value());
    }
}
