package weir.peers;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;

/** The fast model's ONNX graph, run over batches of texts of similar length. */
final class Classifier {
    static final String[] CATEGORIES = {
        "self_harm", "hate", "harassment", "violence", "sexual", "sexual_minors", "illicit", "prompt_injection", "pii",
    };
    private static final int OUTPUTS = CATEGORIES.length + 1;
    /** What one token has at most. */
    private static final int LONGEST_TOKEN_FEATURES = 105;
    /** Padded features of one run. */
    private static final int BUDGET = 4096;

    /** Of one text. */
    record Scores(float[] raw, float[] calibrated, float anyHarm) {}

    private record Window(int text, int[] ids, int[] known) {
        int length() {
            return ids.length + known.length + 1;
        }
    }

    final String name;
    private final OrtEnvironment environment = OrtEnvironment.getEnvironment();
    private final OrtSession session;
    private final Featuriser featuriser;
    private final int constant;
    private final int windowFeatures;
    private final int mostWindows;
    private final double lengthPower;
    private final double[] a = new double[CATEGORIES.length];
    private final double[] b = new double[CATEGORIES.length];
    private final double headShare;
    private final double anyA;
    private final double anyB;
    private IntBuffer ids = ints(BUDGET);
    private FloatBuffer weights = floats(BUDGET);

    Classifier(Path folder) throws IOException, OrtException {
        JsonNode manifest = new ObjectMapper().readTree(folder.resolve("model.json").toFile());
        name = manifest.path("name").textValue() + "-" + manifest.path("version").textValue();
        int bits = manifest.path("features").path("bucket_bits").intValue();
        constant = 1 << bits;
        windowFeatures = manifest.path("window").path("features").intValue();
        mostWindows = manifest.path("window").path("most").intValue();
        lengthPower = manifest.path("length_power").doubleValue();
        featuriser = new Featuriser(bits, new Words(folder.resolve(manifest.path("words").path("list").textValue())));
        for (int index = 0; index < CATEGORIES.length; index++) {
            JsonNode platt = manifest.path("calibration").path(CATEGORIES[index]);
            a[index] = platt.path("a").doubleValue();
            b[index] = platt.path("b").doubleValue();
        }
        JsonNode any = manifest.path("any_harm");
        headShare = any.path("head_share").doubleValue();
        anyA = any.path("a").doubleValue();
        anyB = any.path("b").doubleValue();
        OrtSession.SessionOptions options = new OrtSession.SessionOptions();
        options.setIntraOpNumThreads(1);
        options.setInterOpNumThreads(1);
        // Shapes vary from call to call, so that a plan of the memory never fits.
        options.setMemoryPatternOptimization(false);
        session = environment.createSession(folder.resolve(manifest.path("weights").textValue()).toString(), options);
    }

    /** Scores of all texts. */
    List<Scores> classify(List<String> texts) throws OrtException {
        List<Window> windows = new ArrayList<>();
        for (int text = 0; text < texts.size(); text++) {
            featuriser.take(texts.get(text));
            cut(text, windows);
        }
        windows.sort(Comparator.comparingInt(Window::length));
        float[][] logits = new float[texts.size()][OUTPUTS];
        for (float[] one : logits) {
            Arrays.fill(one, Float.NEGATIVE_INFINITY);
        }
        int from = 0;
        for (int to = 1; to <= windows.size(); to++) {
            if (to == windows.size() || windows.get(to).length() * (to + 1 - from) > BUDGET) {
                run(windows.subList(from, to), logits);
                from = to;
            }
        }
        List<Scores> scores = new ArrayList<>(logits.length);
        for (float[] one : logits) {
            scores.add(calibrate(one));
        }
        return scores;
    }

    /** Windows of about equal length that end where tokens do. */
    private void cut(int text, List<Window> windows) {
        int usable = windowFeatures - LONGEST_TOKEN_FEATURES;
        int end = Math.min(featuriser.count, usable * mostWindows);
        int pieces = end <= windowFeatures ? 1 : (end + usable - 1) / usable;
        int target = (end + pieces - 1) / pieces;
        int token = 0;
        int known = 0;
        for (int start = 0; start < end; ) {
            while (token < featuriser.tokenCount && featuriser.tokens[token] < start + target) {
                token++;
            }
            int stop = token < featuriser.tokenCount ? Math.min(end, featuriser.tokens[token]) : end;
            int first = known;
            while (known < featuriser.knownCount && featuriser.knownAt[known] < stop) {
                known++;
            }
            windows.add(new Window(text, Arrays.copyOfRange(featuriser.ids, start, stop),
                Arrays.copyOfRange(featuriser.known, first, known)));
            start = stop;
        }
    }

    private void run(List<Window> group, float[][] logits) throws OrtException {
        int width = group.get(group.size() - 1).length();
        int size = width * group.size();
        if (ids.capacity() < size) {
            ids = ints(size);
            weights = floats(size);
        }
        ids.clear();
        weights.clear();
        for (Window window : group) {
            put(window.ids, 0, weight(window.ids.length));
            put(window.known, constant + 1, weight(window.known.length));
            ids.put(constant);
            weights.put(1);
            for (int pad = window.length(); pad < width; pad++) {
                ids.put(constant);
                weights.put(0);
            }
        }
        ids.flip();
        weights.flip();
        try (OnnxTensor idTensor = OnnxTensor.createTensor(environment, ids, new long[] {group.size(), width});
            OnnxTensor weightTensor =
                OnnxTensor.createTensor(environment, weights, new long[] {group.size(), 1, width});
            OrtSession.Result result = session.run(Map.of("ids", idTensor, "weights", weightTensor))) {
            FloatBuffer found = ((OnnxTensor) result.get(0)).getFloatBuffer();
            for (Window window : group) {
                float[] highest = logits[window.text];
                for (int output = 0; output < OUTPUTS; output++) {
                    highest[output] = Math.max(highest[output], found.get());
                }
            }
        }
    }

    private void put(int[] values, int offset, float weight) {
        for (int value : values) {
            ids.put(value + offset);
            weights.put(weight);
        }
    }

    private float weight(int features) {
        return (float) Math.pow(Math.max(features, 1), -lengthPower);
    }

    private Scores calibrate(float[] logits) {
        float[] calibrated = new float[CATEGORIES.length];
        double strongest = Double.NEGATIVE_INFINITY;
        for (int index = 0; index < CATEGORIES.length; index++) {
            double z = a[index] * logits[index] + b[index];
            calibrated[index] = (float) sigmoid(z);
            // The last category, personal data, is no harm.
            if (index < CATEGORIES.length - 1) {
                strongest = Math.max(strongest, z);
            }
        }
        double combined = headShare * logits[OUTPUTS - 1] + (1 - headShare) * strongest;
        return new Scores(logits, calibrated, (float) sigmoid(anyA * combined + anyB));
    }

    private static double sigmoid(double z) {
        return 1 / (1 + Math.exp(-z));
    }

    private static IntBuffer ints(int size) {
        return ByteBuffer.allocateDirect(size * Integer.BYTES).order(ByteOrder.nativeOrder()).asIntBuffer();
    }

    private static FloatBuffer floats(int size) {
        return ByteBuffer.allocateDirect(size * Float.BYTES).order(ByteOrder.nativeOrder()).asFloatBuffer();
    }
}
