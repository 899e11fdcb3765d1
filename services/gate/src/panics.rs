use std::panic;

/// Makes panics report where they happened and nothing else.
///
/// A panic's own message may quote the text that caused it (slicing a string does), and raw text
/// must not reach a log. To be called once, before any text is read.
pub fn keep_text_out_of_panics() {
    panic::set_hook(Box::new(|info| {
        let location = info.location();
        tracing::error!(
            file = location.map_or("unknown", panic::Location::file),
            line = location.map_or(0, panic::Location::line),
            thread = std::thread::current().name().unwrap_or("unnamed"),
            "panic (its message may quote a text and is not shown)"
        );
    }));
}
