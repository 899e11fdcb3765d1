package weir.peers;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** The words that the model knows, by their hashes: a table with open addressing. */
final class Words {
    private final long[] keys;
    private final int[] numbers;
    private final int mask;

    Words(Path list) throws IOException {
        List<String> words = Files.readAllLines(list);
        int size = Integer.highestOneBit(words.size()) * 4;
        keys = new long[size];
        numbers = new int[size];
        mask = size - 1;
        java.util.Arrays.fill(numbers, -1);
        for (int number = 0; number < words.size(); number++) {
            int[] points = words.get(number).codePoints().toArray();
            boolean spaced = Characters.classOf(points[0]) == Characters.LETTER;
            long key = Featuriser.hash(spaced ? Featuriser.WORD : Featuriser.RUN, points, 0, points.length);
            int slot = slot(key);
            while (numbers[slot] >= 0) {
                slot = slot + 1 & mask;
            }
            keys[slot] = key;
            numbers[slot] = number;
        }
    }

    /** The number of the word with that hash, or -1. */
    int number(long key) {
        int slot = slot(key);
        while (numbers[slot] >= 0) {
            if (keys[slot] == key) {
                return numbers[slot];
            }
            slot = slot + 1 & mask;
        }
        return -1;
    }

    private int slot(long key) {
        return (int) (key >>> 40) & mask;
    }
}
