package weir.peers;

import java.nio.charset.StandardCharsets;
import java.text.Normalizer;

/**
 * A text without compatibility forms and invisible characters, and the way back to its bytes. Where each
 * character came from is found out only when something was found.
 */
final class Text {
    final String original;
    final String normal;
    private final boolean ascii;
    /** Of each character of `normal`: the byte at which its source begins and ends. */
    private int[] starts;
    private int[] ends;

    Text(byte[] bytes) {
        original = new String(bytes, StandardCharsets.UTF_8);
        ascii = isAscii(bytes);
        normal = ascii ? original : normalised(original);
    }

    Finding finding(int start, int end, Finding.Rule rule, String name) {
        if (ascii) {
            return new Finding(start, end, rule, name);
        }
        if (starts == null) {
            align();
        }
        return new Finding(starts[start], ends[end - 1], rule, name);
    }

    private static boolean isAscii(byte[] bytes) {
        for (byte one : bytes) {
            if (one < 0) {
                return false;
            }
        }
        return true;
    }

    private static String normalised(String text) {
        String shown = text;
        for (int at = 0; at < text.length(); at++) {
            if (invisible(text.charAt(at))) {
                shown = shownOnly(text);
                break;
            }
        }
        return Normalizer.isNormalized(shown, Normalizer.Form.NFKC)
            ? shown
            : Normalizer.normalize(shown, Normalizer.Form.NFKC);
    }

    private static String shownOnly(String text) {
        StringBuilder shown = new StringBuilder(text.length());
        for (int at = 0; at < text.length(); at++) {
            if (!invisible(text.charAt(at))) {
                shown.append(text.charAt(at));
            }
        }
        return shown.toString();
    }

    private static boolean invisible(char c) {
        return c == 0xAD || c >= 0x200B && c <= 0x200F || c >= 0x202A && c <= 0x202E
            || c >= 0x2060 && c <= 0x2064 || c == 0xFEFF;
    }

    /**
     * Character by character: a letter and its accent in two are one normalised, so that offsets behind such a
     * pair can be off by its bytes.
     */
    private void align() {
        starts = new int[normal.length()];
        ends = new int[normal.length()];
        int at = 0;
        int into = 0;
        for (int index = 0; index < original.length(); ) {
            int point = original.codePointAt(index);
            int units = Character.charCount(point);
            int size = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
            if (units == 2 || !invisible((char) point)) {
                String one = Normalizer.normalize(original.substring(index, index + units), Normalizer.Form.NFKC);
                for (int copy = 0; copy < one.length() && into < starts.length; copy++) {
                    starts[into] = at;
                    ends[into++] = at + size;
                }
            }
            at += size;
            index += units;
        }
        for (; into < starts.length; into++) {
            starts[into] = at;
            ends[into] = at;
        }
    }
}
