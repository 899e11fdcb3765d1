package weir.peers;

/** What a lower-cased character does to the token being built; the ranges are the model's. */
final class Characters {
    static final byte SPACE = 0;
    static final byte IGNORED = 1;
    static final byte SYMBOL = 2;
    static final byte LETTER = 3;
    static final byte UNSPACED = 4;

    private static final String[] RANGES = {
        "0-20 7F-A0 1680 2000-200A 2028 2029 202F 205F 3000",
        "AD 640 200B-200F 202A-202E 2060-206F FE00-FE0F FEFF E0000-E01EF",
        "21-2F 3A-40 5B-60 7B-7E A1-A9 AB-AC AE-B4 B6-B9 BB-BF D7 F7 60C 61B 61E-61F 66A-66D 6D4 964-965 970 "
            + "2010-2027 2030-205E 2070-2BFF 3001-3004 3008-3020 3030 30FB FE30-FE6F FF01-FF0F FF1A-FF20 FF3B-FF40 "
            + "FF5B-FF65 FFE0-FFFD 1F000-1FAFF",
        "",
        "E00-EFF 1000-109F 1100-11FF 1780-17FF 3005-3007 3021-302F 3031-30FA 30FC-9FFF A960-A97F AC00-D7FF "
            + "F900-FAFF FF66-FFDC 1B000-1B16F 20000-3FFFF",
    };
    private static final byte[] CLASSES = classes();

    private Characters() {}

    static byte classOf(int point) {
        return CLASSES[point];
    }

    private static byte[] classes() {
        byte[] classes = new byte[Character.MAX_CODE_POINT + 1];
        java.util.Arrays.fill(classes, LETTER);
        for (byte kind = 0; kind < RANGES.length; kind++) {
            for (String range : RANGES[kind].isEmpty() ? new String[0] : RANGES[kind].split(" ")) {
                String[] ends = range.split("-");
                int last = Integer.parseInt(ends[ends.length - 1], 16);
                java.util.Arrays.fill(classes, Integer.parseInt(ends[0], 16), last + 1, kind);
            }
        }
        return classes;
    }
}
