//! Rows of text to be judged: `{"id","text"[,"lang","tenant","target"]}`, one JSON object a line; or of a
//! stream: `{"id","chunks"[,"at_ms","lang","tenant"]}`.

use serde::Deserialize;

/// One row.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct Row {
    /// Echoed in the answer; `None`: the line's number.
    pub(crate) id: Option<String>,
    /// The text; `None` in a row of chunks.
    #[serde(default)]
    pub(crate) text: Option<String>,
    /// The text of a stream, as it comes.
    #[serde(default)]
    pub(crate) chunks: Option<Vec<String>>,
    /// When each chunk comes, milliseconds from the first one's beginning; default: each as soon as the one
    /// before has been answered.
    #[serde(default)]
    pub(crate) at_ms: Vec<u64>,
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

impl Row {
    /// A row of this text alone.
    pub(crate) fn of(text: String) -> Self {
        Self {
            text: Some(text),
            ..Self::default()
        }
    }

    /// The text; empty in a row of chunks.
    pub(crate) fn text(self) -> String {
        self.text.unwrap_or_default()
    }
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
    if line.trim_start().starts_with('[') {
        return Err("expected an object, not an array (column 1)".to_owned());
    }
    let row: Row = read(line)?;
    let problem = match (&row.text, &row.chunks) {
        (None, None) => "the row has neither text nor chunks".to_owned(),
        (Some(_), Some(_)) => "the row has both text and chunks: which is meant?".to_owned(),
        (None, Some(chunks)) if !row.at_ms.is_empty() && row.at_ms.len() != chunks.len() => {
            let (times, chunks) = (row.at_ms.len(), chunks.len());
            format!("at_ms has {times} entries for {chunks} chunks")
        }
        (None, Some(_)) if !row.at_ms.is_sorted() => "at_ms goes back in time".to_owned(),
        _ => return Ok(row),
    };
    Err(problem)
}

fn read(line: &str) -> Result<Row, String> {
    serde_json::from_str(line).map_err(|error| {
        // serde_json quotes strings of the wrong type; the category and place suffice.
        let what = match error.classify() {
            serde_json::error::Category::Syntax => "not valid JSON",
            serde_json::error::Category::Eof => "the JSON object is cut off",
            _ => "expected {\"id\": string, \"text\": string[, \"lang\", \"tenant\", \"target\": \"prompt\"|\"response\"]} or {\"id\": string, \"chunks\": [string][, \"at_ms\": [number], \"lang\", \"tenant\"]}",
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
        assert_eq!(row.target, Target::Prompt);
        assert_eq!(
            (row.id.as_deref(), row.clone().text()),
            (Some("a"), "x".to_owned())
        );
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
        }
    }

    #[test]
    fn a_row_is_a_text_or_a_stream() {
        let row = parse(r#"{"chunks":["a","b"],"at_ms":[0,7]}"#).unwrap();
        assert_eq!(row.chunks.unwrap(), ["a", "b"]);
        for (bad, why) in [
            (r#"{"id":"a"}"#, "neither"),
            (r#"{"text":"a","chunks":["a"]}"#, "both"),
            (r#"{"chunks":["a","b"],"at_ms":[0]}"#, "1 entries for 2"),
            (r#"{"chunks":["a","b"],"at_ms":[1,0]}"#, "back in time"),
            (r#"{"chunks":[1]}"#, "column"),
            (r#"["a"]"#, "array"),
        ] {
            let error = parse(bad).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
    }
}
