package weir.peers;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.generic.GenericRecordBuilder;

/** Makes records of Weir's verdict schema. For one thread. */
final class Verdicts {
    private static final int ID = 100_007;

    private final Wire wire;
    private final GenericData.Record blank;
    private final Schema findings;
    private final Schema spans;
    private final Schema scores;
    private final Schema times;
    private final GenericData.EnumSymbol[] categories;
    private final GenericData.EnumSymbol[] actions;

    /** @param model the classifier's name; null where rules alone decide */
    Verdicts(Path schemas, JsonNode policy, String model) throws IOException {
        wire = new Wire(schemas.resolve("verdict.avsc"), ID);
        findings = element("findings");
        spans = findings.getField("span").schema();
        scores = element("scores");
        times = wire.schema.getField("times").schema();
        Schema category = scores.getField("category").schema();
        categories = new GenericData.EnumSymbol[Classifier.CATEGORIES.length];
        for (int index = 0; index < categories.length; index++) {
            categories[index] = new GenericData.EnumSymbol(category, Classifier.CATEGORIES[index]);
        }
        Schema action = wire.schema.getField("action").schema();
        actions = new GenericData.EnumSymbol[Finding.Action.values().length];
        for (Finding.Action one : Finding.Action.values()) {
            actions[one.ordinal()] = new GenericData.EnumSymbol(action, one.name().toLowerCase(Locale.ROOT));
        }
        blank = blank(policy, model);
    }

    byte[] encode(GenericRecord verdict) throws IOException {
        return wire.encode(verdict);
    }

    /** What every verdict has; `record` is a prompt or a chunk. */
    GenericRecord of(GenericRecord record, String id, List<Finding> found, Finding.Action action) {
        GenericData.Record verdict = new GenericData.Record(wire.schema);
        for (int field = 0; field < wire.schema.getFields().size(); field++) {
            verdict.put(field, blank.get(field));
        }
        verdict.put("verdict_id", id);
        for (String name : new String[] {"request_id", "tenant", "worker_id"}) {
            verdict.put(name, record.get(name));
        }
        verdict.put("action", actions[action.ordinal()]);
        verdict.put("would_action", actions[action.ordinal()]);
        if (!found.isEmpty()) {
            List<GenericRecord> records = new ArrayList<>(found.size());
            for (Finding one : found) {
                records.add(record(one));
            }
            verdict.put("findings", records);
        }
        return verdict;
    }

    void score(GenericRecord verdict, List<Finding> found, Classifier.Scores said, float[] warn, float[] block) {
        float risk = said == null ? 0 : said.anyHarm();
        for (Finding one : found) {
            risk = Math.max(risk, one.rule().score());
        }
        verdict.put("risk", risk);
        if (said == null) {
            return;
        }
        List<GenericRecord> records = new ArrayList<>(categories.length);
        for (int index = 0; index < categories.length; index++) {
            GenericData.Record score = new GenericData.Record(scores);
            float threshold = Math.min(warn[index], block[index]);
            score.put("category", categories[index]);
            score.put("raw", said.raw()[index]);
            score.put("calibrated", said.calibrated()[index]);
            score.put("threshold", threshold);
            score.put("margin", said.calibrated()[index] - threshold);
            records.add(score);
        }
        verdict.put("scores", records);
    }

    void took(GenericRecord verdict, long us) {
        GenericRecord took = new GenericRecordBuilder(times).set("total_us", us).build();
        verdict.put("times", took);
    }

    GenericData.EnumSymbol disposition(String name) {
        Schema union = wire.schema.getField("disposition").schema();
        return new GenericData.EnumSymbol(union.getTypes().get(1), name);
    }

    private GenericRecord record(Finding one) {
        GenericData.Record span = new GenericData.Record(spans);
        span.put("start", (long) one.start());
        span.put("end", (long) one.end());
        GenericData.Record record = new GenericData.Record(findings);
        record.put("detector", one.rule().detector());
        record.put("rule", one.name());
        record.put("category", new GenericData.EnumSymbol(categories[0].getSchema(), one.rule().category()));
        record.put("span", span);
        record.put("score", one.rule().score());
        record.put("severity",
            new GenericData.EnumSymbol(findings.getField("severity").schema(), one.rule().severity()));
        record.put("fingerprint", "");
        return record;
    }

    private GenericData.Record blank(JsonNode policy, String name) {
        Schema provenance = wire.schema.getField("provenance").schema();
        Schema model = provenance.getField("models").schema().getElementType();
        List<GenericRecord> models =
            name == null ? List.of() : List.of(new GenericRecordBuilder(model).set("name", name).build());
        return new GenericRecordBuilder(wire.schema)
            .set("verdict_id", "")
            .set("request_id", "")
            .set("tenant", "")
            .set("fail_mode", new GenericData.EnumSymbol(wire.schema.getField("fail_mode").schema(), "open"))
            .set("judged_by", name == null ? List.of("rules") : List.of("rules", "classifier"))
            .set("provenance", new GenericRecordBuilder(provenance)
                .set("policy_id", policy.path("id").textValue())
                .set("policy_version", policy.path("version").textValue())
                .set("models", models)
                .build())
            .set("times", new GenericRecordBuilder(times).build())
            .build();
    }

    private Schema element(String field) {
        return wire.schema.getField(field).schema().getElementType();
    }
}
