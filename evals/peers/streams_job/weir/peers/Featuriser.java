package weir.peers;

import java.util.Arrays;

/**
 * Text to the fast model's features: words, pairs and character n-grams, hashed, and known words. The mapping is
 * that of {@code crates/infer/src/features} and must stay the same.
 */
final class Featuriser {
    static final long WORD = 0x9E3779B97F4A7C15L;
    static final long RUN = 0xD6E8FEB86659FD93L;
    private static final long PAIR = 0xC2B2AE3D27D4EB4FL;
    private static final long CHARS = 0x165667B19E3779F9L;
    private static final long NOTHING = 0xA0761D6478BD642FL;
    private static final long K = 0x517CC1B727220A95L;
    /** Longer words and runs are cut into pieces of so many characters. */
    private static final int LONGEST = 32;

    private final int shift;
    private final Words words;
    private final int[] token = new int[LONGEST + 2];
    private int length;
    private byte kind;
    private boolean digits;
    private long previous;

    /** Features of one text, reused. */
    int[] ids = new int[1024];
    int count;
    /** Where each token's features begin. */
    int[] tokens = new int[256];
    int tokenCount;
    /** Numbers of known words, and where their tokens begin. */
    int[] known = new int[256];
    int[] knownAt = new int[256];
    int knownCount;

    Featuriser(int bits, Words words) {
        shift = 64 - bits;
        this.words = words;
        token[0] = '<';
    }

    static long hash(long seed, int[] codes, int from, int to) {
        long hash = seed;
        for (int at = from; at < to; at++) {
            hash = step(hash, codes[at]);
        }
        return hash;
    }

    private static long step(long hash, long value) {
        return (Long.rotateLeft(hash, 5) ^ value) * K;
    }

    /** Takes the features of a text up. */
    void take(String text) {
        count = 0;
        tokenCount = 0;
        knownCount = 0;
        length = 0;
        digits = false;
        kind = Characters.LETTER;
        previous = WORD;
        for (int at = 0; at < text.length(); ) {
            int point = text.codePointAt(at);
            at += Character.charCount(point);
            if (point == 0x130) {
                // The only letter whose lower case is two.
                character('i');
                character(0x307);
            } else {
                character(Character.toLowerCase(point));
            }
        }
        flush();
        if (count == 0) {
            begin();
            emit(NOTHING);
        }
    }

    private void character(int point) {
        byte next = Characters.classOf(point);
        switch (next) {
            case Characters.SPACE -> flush();
            case Characters.IGNORED -> { }
            case Characters.SYMBOL -> {
                flush();
                begin();
                long word = step(WORD, point);
                emit(word);
                pair(word);
            }
            default -> {
                if (kind != next || length == LONGEST) {
                    flush();
                }
                kind = next;
                digits |= point >= '0' && point <= '9';
                token[++length] = point;
            }
        }
    }

    private void flush() {
        if (length == 0) {
            return;
        }
        begin();
        if (kind == Characters.LETTER) {
            word();
        } else {
            run();
        }
        digits = false;
        length = 0;
    }

    private void word() {
        long word = hash(WORD, token, 1, length + 1);
        know(word);
        emit(word);
        if (digits) {
            for (int at = 1; at <= length; at++) {
                if (token[at] >= '0' && token[at] <= '9') {
                    token[at] = '0';
                }
            }
            word = hash(WORD, token, 1, length + 1);
            emit(word);
        }
        pair(word);
        token[length + 1] = '>';
        int end = length + 2;
        for (int at = 0; at + 3 <= end; at++) {
            long gram = hash(CHARS, token, at, at + 3);
            emit(gram);
            for (int more = at + 3; more < Math.min(at + 5, end); more++) {
                gram = step(gram, token[more]);
                emit(gram);
            }
        }
    }

    private void run() {
        for (int start = 1; start <= length; start++) {
            long gram = RUN;
            for (int at = start; at <= Math.min(start + 2, length); at++) {
                gram = step(gram, token[at]);
                know(gram);
                emit(gram);
            }
        }
        previous = RUN;
    }

    private void pair(long word) {
        emit(step(step(PAIR, previous), word));
        previous = word;
    }

    private void begin() {
        if (tokenCount == tokens.length) {
            tokens = Arrays.copyOf(tokens, tokenCount * 2);
        }
        tokens[tokenCount++] = count;
    }

    private void emit(long hash) {
        if (count == ids.length) {
            ids = Arrays.copyOf(ids, count * 2);
        }
        ids[count++] = (int) (hash >>> shift);
    }

    private void know(long hash) {
        int number = words.number(hash);
        if (number < 0) {
            return;
        }
        if (knownCount == known.length) {
            known = Arrays.copyOf(known, knownCount * 2);
            knownAt = Arrays.copyOf(knownAt, knownCount * 2);
        }
        known[knownCount] = number;
        knownAt[knownCount++] = tokens[tokenCount - 1];
    }
}
