package weir.peers;

/** One thing found; offsets are bytes of the text as it came. */
record Finding(int start, int end, Rule rule, String name) implements Comparable<Finding> {
    /** What a finding of a rule or detector says. */
    record Rule(String detector, String id, String category, float score, String severity, Action action) {}

    /** Mildest first. */
    enum Action { ALLOW, WARN, ATTENUATE, BLOCK }

    Finding moved(int by) {
        return new Finding(start + by, end + by, rule, name);
    }

    @Override
    public int compareTo(Finding other) {
        return start != other.start ? Integer.compare(start, other.start) : Integer.compare(end, other.end);
    }
}
