use super::*;
use crate::work;

fn tag(text: &str) -> &'static str {
    identify(text).tag
}

#[test]
fn the_supported_languages() {
    for (text, expected) in [
        (
            "Could you tell me when the next train to the coast leaves?",
            "en",
        ),
        (
            "Kannst du mir sagen, wann der nächste Zug an die Küste fährt?",
            "de",
        ),
        (
            "¿Puedes decirme a qué hora sale el próximo tren a la costa?",
            "es",
        ),
        (
            "Peux-tu me dire à quelle heure part le prochain train pour la côte ?",
            "fr",
        ),
        (
            "Puoi dirmi a che ora parte il prossimo treno per la costa?",
            "it",
        ),
        (
            "Kun je me vertellen hoe laat de volgende trein naar de kust vertrekt?",
            "nl",
        ),
        (
            "Czy możesz mi powiedzieć, o której odjeżdża następny pociąg?",
            "pl",
        ),
        (
            "Czy mozesz mi powiedziec, kiedy jest nastepny pociag nad morze?",
            "pl",
        ),
        (
            "Você pode me dizer a que horas sai o próximo trem para a costa?",
            "pt",
        ),
        (
            "Скажите, пожалуйста, когда уходит следующий поезд к морю?",
            "ru",
        ),
        (
            "هل يمكنك أن تخبرني متى يغادر القطار التالي إلى الساحل؟",
            "ar",
        ),
        ("क्या आप मुझे बता सकते हैं कि अगली ट्रेन कब जाती है?", "hi-Deva"),
        (
            "kya aap mujhe bata sakte hain ki agli train kab jati hai",
            "hi-Latn",
        ),
        ("你能告诉我下一班去海边的火车什么时候开吗?", "zh-Hans"),
        ("你能告訴我下一班去海邊的火車什麼時候開嗎?", "zh-Hant"),
        ("你好", "zh"),
        ("次の電車は何時に出ますか", "ja"),
        ("다음 기차는 몇 시에 출발하나요?", "ko"),
        ("Πότε φεύγει το επόμενο τρένο;", "el"),
        ("متى", "ar"),
        ("قطار بعدی کی به سمت ساحل حرکت می‌کند؟", "fa"),
        ("Коли відходить наступний потяг до моря?", "und"),
        ("КОЛИ ВІДХОДИТЬ НАСТУПНИЙ ПОТЯГ ДО МОРЯ?", "und"),
        ("Келесі пойыз теңізге қашан жүреді?", "und"),
        ("ОБЪЯВЛЕНИЕ: ЁЛКА ОТКРОЕТСЯ В СУББОТУ", "ru"),
        ("Получилось просто отлично)))))", "ru"),
        ("CHCĘ ZAPYTAĆ, KIEDY ODJEŻDŻA POCIĄG", "pl"),
    ] {
        assert_eq!(tag(text), expected, "{text}");
    }
}

#[test]
fn nothing_and_too_little() {
    for text in ["", " ", "\n\t ", "\u{3000}"] {
        assert_eq!(identify(text), Language::UNKNOWN, "{text:?}");
    }
    for text in ["ok", "hi there", "lol 42", "a b c d"] {
        assert_eq!(tag(text), "und", "{text:?}");
    }
    // One letter is enough where the script decides.
    assert_eq!(tag("क"), "hi-Deva");
    assert_eq!(tag("Ж"), "ru");
}

#[test]
fn no_language_at_all() {
    for text in [
        "42",
        "12:30 - 14:00",
        "🙂🙂🙂",
        "🇩🇪 🏴󠁧󠁢󠁥󠁮󠁧󠁿 👩‍👩‍👧",
        "!!! ??? ...",
        "https://example.com/a/long/path/to/some/page.html",
        "www.example.com 1 2 3",
        "http://example.org/a https://example.net/b",
        "①②③",
        "+1 (555) 010-0000",
    ] {
        assert_eq!(tag(text), "zxx", "{text:?}");
    }
}

#[test]
fn code() {
    for text in [
        "fn main() {\n    let mut x = vec![1, 2];\n    x.push(3);\n    println!(\"{x:?}\");\n}",
        "def f(x):\n    return [y ** 2 for y in x if y > 0]\n\nprint(f([1, 2, 3]))\n",
        "<html><body><div class=\"a\"><p></p></div></body></html>",
        "{\"id\": 17, \"items\": [{\"a\": 1}, {\"b\": 2}], \"ok\": true}",
        "for (int i = 0; i < n; i++) { sum += a[i] * b[i]; }",
        "INSERT INTO t (a, b) VALUES (1, 'x'), (2, 'y'); UPDATE t SET a = a + 1 WHERE (b = 'y');",
        "const f = (a) => { return a.map((b) => b + 1); };",
        "#include <stdio.h>\nint main(void) { printf(\"%d\\n\", 1); return 0; }",
    ] {
        assert_eq!(tag(text), "zxx", "{text:?}");
    }
    for text in [
        "Please see the notes (from Monday) and the file /tmp/notes.txt before you answer me.",
        "What is the difference between f(x) = x + 1 and g(x) = x - 1 in this proof?",
        "I like cats and/or dogs; which (if any) do you prefer?",
        "- buy milk\n- buy bread\n- call the doctor about the appointment",
        "Dear all,\nthank you for coming,\nsee you next week,\nbest wishes",
    ] {
        assert_eq!(tag(text), "en", "{text:?}");
    }
}

#[test]
fn mixtures_go_to_the_majority_with_less_confidence() {
    let english = "Could you tell me when the next train to the coast leaves today?";
    let german = "Kannst du mir sagen, wann der nächste Zug an die Küste fährt?";
    let mixed = identify(&format!("{english} {english} {german} {german} {german}"));
    assert_eq!(mixed.tag, "de");
    assert!(mixed.confidence < identify(german).confidence);
    let mixed = identify(&format!("{english} Скажите, пожалуйста"));
    assert_eq!(mixed.tag, "en");
    assert!(mixed.confidence < identify(english).confidence);
    let mixed = identify("Bitte übersetze mir das: 你能告诉我下一班去海边的火车什么时候开吗");
    assert_eq!(mixed.tag, "zh-Hans");
    assert!(mixed.confidence < 0.9);
}

#[test]
fn a_link_does_not_decide() {
    let text = "Schau dir https://example.com/the/very/long/english/path/of/this/page mal bitte an";
    assert_eq!(tag(text), "de");
}

#[test]
fn cost_is_bounded() {
    for unit in ["a ", "hai ", "://", "字", "{", "ж", "\u{10ffff}"] {
        let text = unit.repeat(1_000_000 / unit.len());
        let steps = work::count(|| {
            assert!(identify(&text).confidence <= 1.0);
        });
        assert!(steps <= 4 * SAMPLE_BYTES, "{unit:?}: {steps}");
    }
}
