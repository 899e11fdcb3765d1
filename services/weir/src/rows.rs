//! Rows of text to be judged: `{"id","text"[,"lang","tenant","target"]}`, one JSON object a line.

use serde::Deserialize;

/// One row.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Row {
    /// Echoed in the answer; `None`: the line's number.
    pub(crate) id: Option<String>,
    /// The text.
    pub(crate) text: String,
    /// BCP 47 tag that the text is claimed to be in.
    #[serde(default)]
    pub(crate) lang: Option<String>,
    /// Whose policy applies; default: the default policy.
    #[serde(default)]
    pub(crate) tenant: Option<String>,
    /// What the text is: `prompt` (default) or `response`.
    #[serde(default)]
    pub(crate) target: Target,
}

/// What a text is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Target {
    /// What a person wrote.
    #[default]
    Prompt,
    /// What a model wrote.
    Response,
}

/// Reads one line; keys that are not known (labels and the like) are passed over. The error says
/// what is wrong without quoting the text.
pub(crate) fn parse(line: &str) -> Result<Row, String> {
    serde_json::from_str(line).map_err(|error| {
        // serde_json quotes strings of the wrong type; the category and place suffice.
        let what = match error.classify() {
            serde_json::error::Category::Syntax => "not valid JSON",
            serde_json::error::Category::Eof => "the JSON object is cut off",
            _ => "expected {\"id\": string, \"text\": string[, \"lang\", \"tenant\", \"target\": \"prompt\"|\"response\"]}",
        };
        format!("{what} (column {})", error.column())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_is_there_and_passes_over_the_rest() {
        let row = parse(r#"{"id":"a","text":"x","lang":"de","labels":{"hate":1}}"#).unwrap();
        assert_eq!((row.id.as_deref(), row.text.as_str()), (Some("a"), "x"));
        assert_eq!(row.target, Target::Prompt);
        assert_eq!(
            parse(r#"{"text":"x","target":"response"}"#).unwrap().target,
            Target::Response
        );
    }

    #[test]
    fn errors_do_not_quote_the_text() {
        for bad in [
            "",
            "{",
            "[1]",
            r#"{"id":"a"}"#,
            r#"{"text":["secret"]}"#,
            r#"{"text":"secret","target":"secret"}"#,
        ] {
            let error = parse(bad).unwrap_err();
            assert!(!error.contains("secret"), "{error}");
            assert!(error.contains("column"), "{error}");
        }
    }
}
