//! Changes lines of a YAML file and leaves all others as they are, comments too. Pure.
//!
//! It knows block mappings, and flow mappings on one line; whoever calls it reads the result with a real parser, which tells
//! whether it says what was meant.

use std::ops::Range;

/// Sets what stands under `path` to `value`: the rest of a line, or lines of a block that follow it, indented from 0.
///
/// # Errors
/// What cannot be edited so, in words.
pub(crate) fn set(text: &str, path: &[&str], value: &str) -> Result<String, String> {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let mut within = 0..lines.len();
    let mut indent = 0;
    for (depth, key) in path.iter().enumerate() {
        let last = depth + 1 == path.len();
        let Some(at) = find(&lines, &within, indent, key) else {
            let entry = entry(&path[depth..], value, indent);
            let end = content_end(&lines, &within);
            lines.splice(end..end, entry);
            return Ok(joined(&lines));
        };
        let entry_end = block_end(&lines, at, within.end, indent);
        if last {
            let new = entry(&path[depth..], value, indent);
            lines.splice(at..content_end(&lines, &(at + 1..entry_end)), new);
            return Ok(joined(&lines));
        }
        let rest = after_key(&lines[at]);
        if rest.starts_with('{') {
            let [key] = path[depth + 1..] else {
                return Err(format!(
                    "line {}: {} is written in braces; write it in lines of its own",
                    at + 1,
                    path[..=depth].join(".")
                ));
            };
            let start = lines[at].len() - rest.len();
            let flow = set_in_flow(rest, key, value)
                .ok_or_else(|| format!("line {}: its braces do not end on it", at + 1))?;
            lines[at].truncate(start);
            lines[at].push_str(&flow);
            return Ok(joined(&lines));
        }
        if !(rest.is_empty() || rest.starts_with('#')) {
            return Err(format!("line {}: {key} is no mapping", at + 1));
        }
        within = at + 1..entry_end;
        indent = child_indent(&lines, &within).unwrap_or(indent + 2);
    }
    Ok(joined(&lines))
}

/// `path` with `value` in lines, each key deeper than the one before.
fn entry(path: &[&str], value: &str, indent: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for (depth, key) in path.iter().enumerate() {
        lines.push(format!("{}{key}:", " ".repeat(indent + 2 * depth)));
    }
    let deepest = indent + 2 * path.len();
    match value.strip_prefix('\n') {
        None => {
            if let Some(line) = lines.last_mut() {
                line.push(' ');
                line.push_str(value);
            }
        }
        Some(block) => {
            let indented = |line: &str| format!("{}{line}", " ".repeat(deepest));
            lines.extend(block.lines().map(indented));
        }
    }
    lines
}

/// The line on which `key` stands at `indent`.
fn find(lines: &[String], within: &Range<usize>, indent: usize, key: &str) -> Option<usize> {
    within.clone().find(|at| {
        let line = &lines[*at];
        indent_of(line) == Some(indent)
            && line[indent..]
                .strip_prefix(key)
                .is_some_and(|rest| rest == ":" || rest.starts_with(": "))
    })
}

/// What follows the key of a line.
fn after_key(line: &str) -> &str {
    line.split_once(':')
        .map_or("", |(_, rest)| rest.trim_start())
}

/// Spaces before what stands on a line; `None`: nothing or a comment does.
fn indent_of(line: &str) -> Option<usize> {
    let content = line.trim_start_matches(' ');
    (!content.trim().is_empty() && !content.starts_with('#')).then(|| line.len() - content.len())
}

fn child_indent(lines: &[String], within: &Range<usize>) -> Option<usize> {
    within.clone().find_map(|at| indent_of(&lines[at]))
}

/// Where the entry that begins at `at` is over.
fn block_end(lines: &[String], at: usize, end: usize, indent: usize) -> usize {
    let over = |line: &usize| indent_of(&lines[*line]).is_some_and(|found| found <= indent);
    (at + 1..end).find(over).unwrap_or(end)
}

/// One past the last line that holds something: comments before the next entry are that entry's.
fn content_end(lines: &[String], within: &Range<usize>) -> usize {
    let holds = |at: &usize| indent_of(&lines[*at]).is_some();
    within
        .clone()
        .rev()
        .find(holds)
        .map_or(within.start, |at| at + 1)
}

/// `{ a: 1, b: 2 } # why` with another `a`; `None` where the braces do not end.
fn set_in_flow(flow: &str, key: &str, value: &str) -> Option<String> {
    let (mut depth, mut from, mut quoted) = (0, 1, None);
    for (at, c) in flow.char_indices() {
        match (quoted, c) {
            (Some(quote), _) if c == quote => quoted = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quoted = Some(c),
            (None, '{' | '[') => depth += 1,
            (None, '}' | ']' | ',') => {
                if c != ',' {
                    depth -= 1;
                }
                if depth == 0 || depth == 1 && c == ',' {
                    let own = flow[from..at].trim();
                    let named = own.split_once(':').map(|(name, _)| name.trim());
                    if named == Some(key) {
                        let (before, after) = (&flow[..from], &flow[at..]);
                        let gap = if c == '}' { " " } else { "" };
                        return Some(format!("{before} {key}: {value}{gap}{after}"));
                    }
                    from = at + 1;
                }
                if depth == 0 {
                    let comma = if flow[1..at].trim().is_empty() {
                        ""
                    } else {
                        ","
                    };
                    return Some(format!("{{ {key}: {value}{comma}{}", &flow[1..]));
                }
            }
            _ => {}
        }
    }
    None
}

fn joined(lines: &[String]) -> String {
    let mut text = lines.join("\n");
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "\
# The policy.
id: p
version: \"1\" # by hand
stream:
  idle_ms: 1
  # Windows.
  categories:
    hate: { warn: 0.5 }
    # Of violence.
    violence:
      warn: 0.5
      block: 0.9

# Looks.
second_look: { uncertain: 0.1, sample: 0.01 } # twice
categories:
  hate: { warn: 0.5 }
# The end.
";

    #[test]
    fn a_value_changes_and_nothing_else() {
        for (path, value, from, to) in [
            (
                &["version"][..],
                "\"2\"",
                "version: \"1\" # by hand\n",
                "version: \"2\"\n",
            ),
            (
                &["stream", "categories", "hate"],
                "{ warn: 0.6 }",
                "    hate: { warn: 0.5 }\n",
                "    hate: { warn: 0.6 }\n",
            ),
            (
                &["stream", "categories", "violence"],
                "{ warn: 0.6 }",
                "    violence:\n      warn: 0.5\n      block: 0.9\n",
                "    violence: { warn: 0.6 }\n",
            ),
            (
                &["stream", "categories", "sexual"],
                "{ warn: 0.6 }",
                "      block: 0.9\n",
                "      block: 0.9\n    sexual: { warn: 0.6 }\n",
            ),
            (
                &["second_look", "uncertain"],
                "0.05",
                "uncertain: 0.1,",
                "uncertain: 0.05,",
            ),
            (
                &["second_look", "sample"],
                "0.05",
                "sample: 0.01 }",
                "sample: 0.05 }",
            ),
            (
                &["second_look", "all"],
                "true",
                "{ uncertain",
                "{ all: true, uncertain",
            ),
            (
                &["categories", "hate"],
                "{ warn: 0.6 }",
                "categories:\n  hate: { warn: 0.5 }\n#",
                "categories:\n  hate: { warn: 0.6 }\n#",
            ),
            (
                &["fail", "mode"],
                "open",
                "  hate: { warn: 0.5 }\n# The end.",
                "  hate: { warn: 0.5 }\nfail:\n  mode: open\n# The end.",
            ),
            (
                &["calibration"],
                "\nmodel: x\ncategories:\n  hate: { slope: 1 }",
                "  hate: { warn: 0.5 }\n# The end.",
                "  hate: { warn: 0.5 }\ncalibration:\n  model: x\n  categories:\n    hate: { slope: 1 }\n# The end.",
            ),
        ] {
            assert!(FILE.contains(from), "{from}");
            let found = set(FILE, path, value).unwrap();
            let last = FILE.rfind(from).unwrap();
            let first = FILE.find(from).unwrap();
            let expected: Vec<String> = [first, last]
                .iter()
                .map(|at| format!("{}{to}{}", &FILE[..*at], &FILE[at + from.len()..]))
                .collect();
            assert!(expected.contains(&found), "{path:?}\n{found}");
            assert_eq!(set(&found, path, value).unwrap(), found);
        }
    }

    #[test]
    fn what_is_not_in_lines_is_refused() {
        for (file, path) in [
            (
                "stream: { categories: { hate: {} } }\n",
                &["stream", "categories", "hate"][..],
            ),
            (
                "second_look: { uncertain: 0.1,\n  sample: 1 }\n",
                &["second_look", "uncertain"],
            ),
            ("stream: none\n", &["stream", "categories", "hate"]),
        ] {
            // The first key of a brace that ends elsewhere can still be found.
            let found = set(file, path, "1");
            assert!(
                found.is_err() || found.unwrap().contains("uncertain: 1,"),
                "{file}"
            );
        }
        assert!(set("a: { b: 1\n", &["a", "c"], "1").is_err());
    }
}
