/// Rules that cannot be compiled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CompileError {
    /// Two rules share an id, so a finding would not say which one it is of.
    #[error("rule \"{rule}\" is defined twice: give each rule its own id")]
    DuplicateRule {
        /// The id.
        rule: String,
    },
    /// A literal is empty or white space only and would match everywhere.
    #[error(
        "rule \"{rule}\": literal number {number} is empty: remove it or write what it should match"
    )]
    EmptyLiteral {
        /// The rule's id.
        rule: String,
        /// Which literal of the rule, from 1.
        number: usize,
    },
    /// A literal is too long.
    #[error(
        "rule \"{rule}\": literal number {number} has {bytes} bytes, the most is {limit}: shorten it"
    )]
    LiteralTooLong {
        /// The rule's id.
        rule: String,
        /// Which literal of the rule, from 1.
        number: usize,
        /// Its length.
        bytes: usize,
        /// The most.
        limit: usize,
    },
    /// All literals together are too long.
    #[error("the literals up to rule \"{rule}\" have {bytes} bytes, the most is {limit}")]
    TooLarge {
        /// The rule at which the limit was passed.
        rule: String,
        /// Bytes so far.
        bytes: usize,
        /// The most bytes in all literals.
        limit: usize,
    },
    /// A pattern is no regular expression.
    #[error("rule \"{rule}\": pattern number {number} cannot be read: {cause}")]
    BadPattern {
        /// The rule's id.
        rule: String,
        /// Which pattern of the rule, from 1.
        number: usize,
        /// What the parser said.
        cause: String,
    },
    /// A pattern could match without bound, so a stream could be held for ever.
    #[error(
        "rule \"{rule}\": pattern number {number} may match {}, the most is {limit}: give its repetitions an upper bound, as in a{{1,20}} for a+",
        match .bytes { Some(bytes) => format!("{bytes} bytes"), None => "without bound".to_owned() }
    )]
    PatternTooLong {
        /// The rule's id.
        rule: String,
        /// Which pattern of the rule, from 1.
        number: usize,
        /// Its longest match; `None`: unbounded.
        bytes: Option<usize>,
        /// The most.
        limit: usize,
    },
    /// A pattern matches the empty text and so everywhere.
    #[error("rule \"{rule}\": pattern number {number} matches the empty text")]
    EmptyPattern {
        /// The rule's id.
        rule: String,
        /// Which pattern of the rule, from 1.
        number: usize,
    },
    /// An automaton could not be built.
    #[error("cannot compile the rules: {cause}")]
    Automaton {
        /// What the automaton's builder said.
        cause: String,
    },
}
