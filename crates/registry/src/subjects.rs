use weir_wire::Subject;

/// What each kind of record is registered under: the name of its topic and `-value`, as Confluent's `TopicNameStrategy`
/// has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subjects([String; Subject::ALL.len()]);

impl Default for Subjects {
    fn default() -> Self {
        Self(Subject::ALL.map(|subject| subject.name().to_owned()))
    }
}

impl Subjects {
    /// The same, but records of this kind are on another topic.
    #[must_use]
    pub fn on_topic(mut self, subject: Subject, topic: &str) -> Self {
        self.0[subject as usize] = format!("{topic}-value");
        self
    }

    /// The name in the registry.
    #[must_use]
    pub fn name(&self, subject: Subject) -> &str {
        &self.0[subject as usize]
    }
}
