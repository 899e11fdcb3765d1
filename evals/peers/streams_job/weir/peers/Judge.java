package weir.peers;

import ai.onnxruntime.OrtException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import org.apache.avro.generic.GenericRecord;

/** Findings and scores to verdicts, by the policy. For one thread. */
final class Judge {
    /** A threshold that no score reaches. */
    private static final float NEVER = 2;

    /** A prompt that waits to be judged with others. */
    record Waiting(GenericRecord prompt, String origin) {}

    final Rules rules;
    private final Classifier classifier;
    private final Verdicts verdicts;
    private final float[] warn = new float[Classifier.CATEGORIES.length];
    private final float[] block = new float[Classifier.CATEGORIES.length];
    private final MessageDigest md5;

    /** @param model the model's folder; null where rules alone decide */
    Judge(Path settings, Path schemas, Path model) throws IOException, OrtException, NoSuchAlgorithmException {
        JsonNode document = new ObjectMapper().readTree(settings.toFile());
        rules = new Rules(document);
        classifier = model == null ? null : new Classifier(model);
        JsonNode policy = document.path("policy");
        for (int index = 0; index < warn.length; index++) {
            JsonNode tiers = policy.path("categories").path(Classifier.CATEGORIES[index]);
            warn[index] = (float) tiers.path("warn").asDouble(NEVER);
            block[index] = (float) tiers.path("block").asDouble(NEVER);
        }
        verdicts = new Verdicts(schemas, policy, classifier == null ? null : classifier.name);
        md5 = MessageDigest.getInstance("MD5");
    }

    /** Encoded verdicts on prompts, in order. */
    List<byte[]> prompts(List<Waiting> waiting) throws IOException, OrtException {
        long began = System.nanoTime();
        List<String> texts = new ArrayList<>(waiting.size());
        List<List<Finding>> found = new ArrayList<>(waiting.size());
        int[] lengths = new int[waiting.size()];
        for (Waiting one : waiting) {
            byte[] bytes = text(one.prompt);
            lengths[found.size()] = bytes.length;
            Text text = new Text(bytes);
            found.add(rules.scan(text));
            texts.add(text.original);
        }
        List<Classifier.Scores> scores = classifier == null ? null : classifier.classify(texts);
        long each = (System.nanoTime() - began) / 1000 / waiting.size();
        List<byte[]> answers = new ArrayList<>(waiting.size());
        for (int index = 0; index < waiting.size(); index++) {
            Waiting one = waiting.get(index);
            Classifier.Scores score = scores == null ? null : scores.get(index);
            Finding.Action action = action(found.get(index), score);
            GenericRecord verdict = verdicts.of(one.prompt, verdictId(one.origin), found.get(index), action);
            verdict.put("final", true);
            verdict.put("checked_to", (long) lengths[index]);
            verdict.put("released_to", action == Finding.Action.BLOCK ? 0L : (long) lengths[index]);
            verdicts.score(verdict, found.get(index), score, warn, block);
            verdicts.took(verdict, each);
            answers.add(verdicts.encode(verdict));
        }
        return answers;
    }

    Verdicts verdicts() {
        return verdicts;
    }

    /** The same whenever the record is read again. */
    String verdictId(String origin) {
        return HexFormat.of().formatHex(md5.digest(origin.getBytes(StandardCharsets.UTF_8)));
    }

    static byte[] bytes(Object field) {
        ByteBuffer buffer = (ByteBuffer) field;
        byte[] bytes = new byte[buffer.remaining()];
        buffer.duplicate().get(bytes);
        return bytes;
    }

    private static byte[] text(GenericRecord prompt) {
        List<?> segments = (List<?>) prompt.get("segments");
        if (segments.size() == 1) {
            return bytes(((GenericRecord) segments.get(0)).get("text"));
        }
        ByteBuffer all = ByteBuffer.allocate(
            segments.stream().mapToInt(one -> ((ByteBuffer) ((GenericRecord) one).get("text")).remaining() + 1).sum());
        for (Object segment : segments) {
            all.put(bytes(((GenericRecord) segment).get("text"))).put((byte) '\n');
        }
        return java.util.Arrays.copyOf(all.array(), Math.max(all.position() - 1, 0));
    }

    private Finding.Action action(List<Finding> found, Classifier.Scores scores) {
        Finding.Action strictest = Finding.Action.ALLOW;
        for (Finding one : found) {
            strictest = one.rule().action().compareTo(strictest) > 0 ? one.rule().action() : strictest;
        }
        for (int index = 0; scores != null && index < warn.length; index++) {
            if (scores.calibrated()[index] >= block[index]) {
                return Finding.Action.BLOCK;
            }
            if (scores.calibrated()[index] >= warn[index] && strictest == Finding.Action.ALLOW) {
                strictest = Finding.Action.WARN;
            }
        }
        return strictest;
    }
}
