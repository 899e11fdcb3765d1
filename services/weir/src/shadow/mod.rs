//! `weir shadow`: the heavy model beside the fast one, as estimated from moderation records.

pub(crate) mod report;
pub(crate) mod table;
pub(crate) mod tally;
#[cfg(test)]
mod testing;

use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Subcommand};
use weir_wire::Moderation;

use crate::args::BrokerArgs;
use crate::range::{self, Range, time};
use crate::registry::RegistryArgs;
use report::{Asked, Report};
use tally::Tally;

#[derive(Debug, Subcommand)]
pub(crate) enum ShadowCommand {
    /// How far the fast and the heavy model agree, by category and language.
    Report(ReportArgs),
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  weir shadow report --brokers localhost:9092
  weir shadow report --since 24h --tenant acme
  weir shadow report --json | jq '.agreement[] | select(.unproven | not)'

Reads the committed moderation records that are there when it starts, and ends. A record stands for 1 / inclusion_probability
texts, so that figures are estimates for all traffic of which the records are a sample: Hajek's ratio estimate, with Wilson's
95 % interval on Kish's effective sample size. A figure with an effective size below 100 reads \"unproven\".

A category is not compared where a model has no score for it or the policy never acts on it. The fast action is allow under a
policy that only watches, the heavy one what it would do were it enforced.

Locales are the records' language: every record has one, and it is what the text was judged as. The client's hint is in it
already where it fits the text, and is missing or wrong elsewhere. Regions are put together (de for de-AT), and languages
that Weir does not tell apart are \"other\", as in the metrics.

Either model may be wrong: disagreement is no false-positive rate, and agreement no accuracy.")]
pub(crate) struct ReportArgs {
    #[command(flatten)]
    broker: BrokerArgs,
    #[command(flatten)]
    registry: RegistryArgs,
    /// Only records written so long ago or less, by their timestamps: 90m, 24h, 7d.
    #[arg(long, value_name = "TIME", value_parser = time)]
    since: Option<Duration>,
    /// Only records of this tenant.
    #[arg(long)]
    tenant: Option<String>,
    /// Write JSON.
    #[arg(long)]
    json: bool,
    /// Topic of what the second look makes of verdicts.
    #[arg(long, value_name = "TOPIC", default_value = "weir.moderation.v1")]
    moderation_topic: String,
}

pub(crate) fn run(command: &ShadowCommand) -> anyhow::Result<ExitCode> {
    let ShadowCommand::Report(args) = command;
    let report = Report::of(
        read(args)?,
        Asked {
            topic: args.moderation_topic.clone(),
            since_seconds: args.since.map(|since| since.as_secs()),
            tenant: args.tenant.clone(),
        },
    );
    let mut out = std::io::stdout().lock();
    if args.json {
        serde_json::to_writer(&mut out, &report)?;
        writeln!(out)?;
    } else {
        table::print(&mut out, &report)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn read(args: &ReportArgs) -> anyhow::Result<Tally> {
    let mut tally = Tally::new(args.tenant.clone());
    range::read(
        &args.broker,
        &args.registry,
        &args.moderation_topic,
        Range::since(args.since),
        |moderation: Option<Moderation>| match &moderation {
            Some(moderation) => tally.take(moderation),
            None => tally.undecodable(),
        },
    )?;
    Ok(tally)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    #[test]
    fn what_weir_tells_apart_has_a_label_of_its_own_and_nothing_else_has() {
        let texts = [
            ("ar", "ما هو الطقس اليوم في المدينة؟"),
            (
                "de",
                "Wie wird das Wetter heute in den Bergen, und wann gehen wir los?",
            ),
            ("el", "Τι καιρό κάνει σήμερα στην πόλη;"),
            (
                "en",
                "What is the weather going to be like in the mountains today?",
            ),
            (
                "es",
                "¿Qué tiempo va a hacer hoy en las montañas y cuándo salimos?",
            ),
            (
                "fa",
                "امروز هوا در شهر چگونه است؟ می‌خواهم پیاده‌روی کنم و گپ بزنم",
            ),
            (
                "fr",
                "Quel temps fera-t-il aujourd'hui dans les montagnes, et quand partons-nous ?",
            ),
            ("he", "מה מזג האוויר היום בעיר?"),
            ("hi-Deva", "आज शहर में मौसम कैसा रहेगा?"),
            (
                "hi-Latn",
                "aaj mausam kaisa hai, mujhe batao ki kya hum bahar ja sakte hain",
            ),
            (
                "it",
                "Che tempo farà oggi in montagna e quando partiamo tutti insieme?",
            ),
            ("ja", "今日の天気はどうですか"),
            ("ko", "오늘 날씨가 어때요"),
            (
                "nl",
                "Wat voor weer wordt het vandaag in de bergen, en wanneer gaan we weg?",
            ),
            ("pl", "Jaka będzie dziś pogoda w górach i kiedy wyruszamy?"),
            (
                "pt",
                "Como está o tempo hoje nas montanhas e quando é que saímos?",
            ),
            ("ru", "Какая сегодня погода в городе?"),
            (
                "sv",
                "Hur blir vädret i bergen idag, och när ska vi ge oss av?",
            ),
            ("th", "วันนี้อากาศเป็นอย่างไร"),
            (
                "tr",
                "Bugün dağlarda kar yağacak mı ve ne zaman yola çıkıyoruz?",
            ),
            ("und", "ok"),
            (
                "ur",
                "آج شہر میں موسم کیسا ہے؟ مجھے بتائیں کہ ہم باہر جا سکتے ہیں",
            ),
            (
                "vi",
                "Hôm nay thời tiết ở vùng núi thế nào và khi nào chúng ta đi?",
            ),
            ("zh", "你好"),
            ("zh-Hans", "这个问题应该怎么办呢"),
            ("zh-Hant", "這個問題應該怎麼辦呢"),
            ("zxx", "12 + 30 = 42"),
        ];
        for (tag, text) in texts {
            assert_eq!(weir_detect::identify_bytes(text.as_bytes()).tag, tag);
        }
        // Beside them Hindi, as callers claim it.
        let told = texts.map(|(tag, _)| tag).into_iter().chain(["hi"]);
        let told: BTreeSet<_> = told.collect();
        assert_eq!(told, BTreeSet::from(weir_telemetry::LANGUAGES));
    }
}
