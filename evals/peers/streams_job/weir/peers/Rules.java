package weir.peers;

import com.fasterxml.jackson.databind.JsonNode;
import com.hankcs.algorithm.AhoCorasickDoubleArrayTrie;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Literals in one automaton, expressions tried where their first letters stand, and the detectors. */
final class Rules {
    /** What stands in the automaton: a literal, or the fixed beginning of an expression. */
    private record Entry(Finding.Rule rule, Pattern pattern) {}

    private final AhoCorasickDoubleArrayTrie<List<Entry>> literals = new AhoCorasickDoubleArrayTrie<>();
    private final Detectors detectors;
    private final int longest;

    Rules(JsonNode settings) {
        detectors = new Detectors(settings.path("policy").path("detectors"));
        TreeMap<String, List<Entry>> entries = new TreeMap<>();
        // An account number in print.
        int most = 42;
        for (JsonNode one : settings.path("rules")) {
            for (JsonNode literal : one.path("literals")) {
                String text = literal.textValue().toLowerCase(Locale.ROOT);
                entries.computeIfAbsent(text, key -> new ArrayList<>()).add(new Entry(rule("literal", one), null));
                most = Math.max(most, text.getBytes(StandardCharsets.UTF_8).length);
            }
            for (JsonNode expression : one.path("patterns")) {
                String source = expression.textValue();
                String first = source.substring(0, fixed(source)).toLowerCase(Locale.ROOT);
                if (first.isEmpty()) {
                    throw new IllegalArgumentException("an expression begins with no letter: " + source);
                }
                Pattern pattern = Pattern.compile(source, Pattern.CASE_INSENSITIVE);
                entries.computeIfAbsent(first, key -> new ArrayList<>()).add(new Entry(rule("pattern", one), pattern));
            }
        }
        literals.build(entries);
        longest = most;
    }

    /** The longest match that matters on a stream, in bytes. */
    int longest() {
        return longest;
    }

    /** All findings, in order of position. */
    List<Finding> scan(Text text) {
        List<Finding> found = new ArrayList<>(0);
        String lower = lower(text.normal);
        literals.parseText(lower, (int begin, int end, List<Entry> entries) -> {
            for (Entry entry : entries) {
                if (entry.pattern == null) {
                    if (standsAlone(lower, begin, end)) {
                        found.add(text.finding(begin, end, entry.rule, entry.rule.id()));
                    }
                } else {
                    Matcher matcher = entry.pattern.matcher(text.normal).region(begin, text.normal.length());
                    if (matcher.lookingAt()) {
                        found.add(text.finding(begin, matcher.end(), entry.rule, entry.rule.id()));
                    }
                }
            }
        });
        detectors.scan(text, found);
        if (found.size() > 1) {
            Collections.sort(found);
        }
        return found;
    }

    /** Whether neither side continues a word. */
    static boolean standsAlone(String text, int start, int end) {
        return (start == 0 || !ofWord(text.codePointBefore(start)))
            && (end == text.length() || !ofWord(text.codePointAt(end)));
    }

    private static boolean ofWord(int point) {
        return Character.isLetterOrDigit(point) || point == '_';
    }

    /** In lower case and of the same length. */
    private static String lower(String text) {
        String lower = text.toLowerCase(Locale.ROOT);
        if (lower.length() == text.length()) {
            return lower;
        }
        char[] each = text.toCharArray();
        for (int at = 0; at < each.length; at++) {
            each[at] = Character.toLowerCase(each[at]);
        }
        return new String(each);
    }

    private static int fixed(String pattern) {
        int end = 0;
        while (end < pattern.length() && (Character.isLetterOrDigit(pattern.charAt(end))
            || pattern.charAt(end) == ' ' || pattern.charAt(end) == '-')) {
            end++;
        }
        return end;
    }

    private static Finding.Rule rule(String detector, JsonNode one) {
        return new Finding.Rule(detector, one.path("id").textValue(), one.path("category").textValue(),
            one.path("score").floatValue(), one.path("severity").textValue(), action(one));
    }

    static Finding.Action action(JsonNode one) {
        return Finding.Action.valueOf(one.path("action").textValue().toUpperCase(Locale.ROOT));
    }
}
