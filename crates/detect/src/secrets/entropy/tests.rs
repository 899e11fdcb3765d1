use super::*;
use crate::secrets::tests::random;
use crate::work;

const BASE62: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const HEX: &[u8] = b"0123456789abcdef";

fn found(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    EntropyDetector::new().scan(&View::new(text.as_bytes(), 0), &mut out);
    out.into_iter()
        .map(|m| {
            assert_eq!((m.detector, &*m.rule), ("secret", "assignment"));
            let range =
                usize::try_from(m.span.start).unwrap()..usize::try_from(m.span.end).unwrap();
            text[range].to_owned()
        })
        .collect()
}

#[test]
fn positives() {
    let tokens = [
        random(BASE62, 20, 1),
        random(BASE62, 32, 2),
        random(BASE62, 43, 3),
        random(HEX, 32, 4),
        random(HEX, 64, 5),
        format!(
            "{}+{}/{}==",
            random(BASE62, 20, 6),
            random(BASE62, 20, 7),
            random(BASE62, 8, 8)
        ),
    ];
    for token in &tokens {
        for text in [
            format!("api_key: {token}"),
            format!("SECRET_TOKEN={token}"),
            format!("export API_KEY=\"{token}\""),
            format!("const apiKey = '{token}';"),
            format!("{{\"client_secret\": \"{token}\"}}"),
            format!("{{\\\"client_secret\\\": \\\"{token}\\\"}}"),
            format!("password = \"{token}\""),
            format!("os.environ['AUTH_TOKEN'] = '{token}'"),
            format!("Authorization: Bearer {token}"),
            format!("-H 'Authorization: token {token}'"),
            format!("\"Authorization\": \"Bearer {token}\""),
            format!("X-Api-Key: {token}\r\n"),
            format!("https://x.org/?token={token}&a=1"),
            format!("secret := \"{token}\""),
            format!(":token => \"{token}\""),
            format!("**API key**, api-key: `{token}`."),
            format!("密码: {token}"),
        ] {
            assert_eq!(found(&text), std::slice::from_ref(token), "{text:?}");
        }
    }
    for (text, secret) in [
        ("password = \"Wv7#kd2!pQ\"", "Wv7#kd2!pQ"),
        ("password: tr0ub4dor&3x", "tr0ub4dor"),
        ("DB_PASS=k8Jw2mzQ", "k8Jw2mzQ"),
        ("Пароль: Zima2019mo", "Zima2019mo"),
        ("pwd=Sommer2024!", "Sommer2024!"),
        ("postgres://app:k8Jw2mzQ@db.internal:5432/x", "k8Jw2mzQ"),
        ("redis://:k8Jw2mzQ9@cache", "k8Jw2mzQ9"),
        ("mongodb+srv://u:k8J-w2mzQ@c0.example.net", "k8J-w2mzQ"),
        ("amqp://guest:Wv7#kd2!pQ@[::1]/", "Wv7#kd2!pQ"),
    ] {
        assert_eq!(found(text), [secret], "{text:?}");
    }
    let long = random(BASE62, 900, 1);
    assert_eq!(
        found(&format!("token={long}")),
        [long[..MAX_VALUE].to_owned()]
    );
}

#[test]
fn negatives() {
    let hex = random(HEX, 40, 1);
    for text in [
        // Placeholders.
        "password = \"changeme\"",
        "password = \"change_me_1\"",
        "api_key: <your key>",
        "api_key: YOUR_API_KEY_123",
        "api_key = \"xxxxxxxxxxxxxxxx\"",
        "SECRET_TOKEN=${SECRET_TOKEN_V2}",
        "SECRET_TOKEN=$SECRET_TOKEN_V2",
        "token: {{ secrets.DEPLOY_TOKEN1 }}",
        "token: %{TOKEN1}aaaa1111bbbb2222",
        "password: example123",
        "password: hunter2",
        "password = \"password123\"",
        "password: ********",
        "api_key: 1234567890abcdef1234",
        "api_key: sk-...",
        "secret: aaaa1111aaaa1111",
        "postgres://user:password@localhost/x",
        "postgres://user:${PASS1234}@db/x",
        "https://user:pass@example.com",
        "Authorization: Bearer <token>",
        "Authorization: Bearer $TOKEN_1",
        "Authorization: Basic auth is easy",
        // Code and prose.
        "token = get_token_v2(config1)",
        "token = config.auth.tokenV2",
        "password: string",
        "password: Optional[str] = None",
        "api_key = os.environ[\"API_KEY_2\"]",
        "secret = process.env.STRIPE_SECRET_2",
        "if password == \"k8Jw2mzQ99\"",
        "password: it needs 8 characters",
        "token: my-service-account-2",
        "secret: projects/12/secrets/db-1",
        "The secret: be kind",
        "PASS: TestVet/1",
        "PASS: TestAddrStringAllocs/ipv4-in-ipv6",
        "credentials: oauth2client.client.OAuth2Credentials",
        "encryption_key_sha256=encryption_key_sha256",
        "encryption_key: \"arn:aws:kms:eu-1:111122223333:key/k8Jw2mzQ\"",
        "credential=Ec2InstanceMetadata",
        "secret: \"k8Jw2mzQ9<id>k8Jw2mz\"",
        // About secrets.
        "token_type: k8Jw2mzQ9k8Jw2mzQ7x",
        "password_file=/run/secrets/db_1",
        "secret_name = \"k8Jw2mzQ9k8Jw2mzQ7x\"",
        "max_tokens: 4096",
        "next_page_token=k8Jw2mzQ9k8Jw2mzQ7x",
        "private_key = /etc/ssl/server1.pem",
        "private_key: server-1.key.json",
        "token_url: https://x.org/oauth2/v1",
        "secret: https://x.org/oauth2/v1/k8Jw2mzQ9",
        // Other things with entropy.
        "token: 550e8400-e29b-41d4-a716-446655440000",
        "key: k8Jw2mzQ9k8Jw2mzQ7x",
        "name: k8Jw2mzQ9k8Jw2mzQ7x",
        "monkey=k8Jw2mzQ9k8Jw2mzQ7x",
        "https://x.org/k8Jw2mzQ9k8Jw2mzQ7x",
        "http://localhost:8080/@k8Jw2mzQ9",
        "https://x.org:443/a@b",
        "a: b, c=d, 12:30",
    ] {
        assert_eq!(found(text), [] as [&str; 0], "{text:?}");
    }
    for text in [
        format!("commit {hex}"),
        format!("git checkout, token: {hex}"),
        format!("token={hex} # sha of the commit"),
        format!("sha256: {hex}"),
    ] {
        assert_eq!(found(&text), [] as [&str; 0], "{text:?}");
    }
}

/// Values of keys for secrets in code that are none.
const NAMES: [&str; 40] = [
    "configuration_manager",
    "application_default",
    "my-service-account",
    "getAccessToken_v2",
    "user_authentication",
    "kubernetes-secrets",
    "github-actions-bot",
    "settings.auth.tokenV2",
    "environment_variable",
    "self.token_provider",
    "credentials_provider_2",
    "default_password_1",
    "database_connection",
    "OAuth2AuthorizationCode",
    "string_with_min_length_8",
    "args.api_key_v1",
    "token_from_keychain",
    "managed-identity-01",
    "vault-production-01",
    "SECRET_FROM_VAULT_2",
    "base64_encoded_value",
    "request.headers.x1",
    "client-credentials",
    "authorization_code",
    "refresh_token_grant",
    "session.access_token",
    "production-database-2",
    "test_user_account_99",
    "development_environment",
    "AWS_SECRET_FROM_ENV",
    "read-only-replica-03",
    "aes-256-gcm-sha-384",
    "rotate-every-90-days",
    "must-be-16-characters",
    "minimum_entropy_bits_80",
    "http_basic_auth_v1",
    "local-development-only",
    "placeholder_for_tests",
    "never-commit-this-value",
    "see-the-documentation",
];

/// Lowest and median entropy of values, how many of them reach `bits`, and how many are secrets.
fn measure(values: &[String], key: Key, bits: f32) -> (f32, f32, usize, usize) {
    let mut each: Vec<f32> = values
        .iter()
        .map(|v| value::entropy(v.as_bytes()))
        .collect();
    each.sort_by(f32::total_cmp);
    let reach = each.iter().filter(|each| **each >= bits).count();
    let secrets = values
        .iter()
        .filter(|v| value::is_secret(v.as_bytes(), key, true, None))
        .count();
    (each[0], each[each.len() / 2], reach, secrets)
}

#[test]
fn values_pass_as_documented() {
    let drawn = |alphabet: &[u8], length| -> Vec<String> {
        (1..=2_000)
            .map(|seed| random(alphabet, length, seed))
            .collect()
    };
    let names: Vec<String> = NAMES.iter().map(|&name| name.to_owned()).collect();
    for (values, key, bits, expected) in [
        (
            drawn(BASE62, 8),
            Key::Password,
            2.5,
            (2.16, 3.0, 1_980, 1_478),
        ),
        (
            drawn(BASE62, 16),
            Key::Token,
            3.0,
            (3.2, 3.75, 2_000, 1_859),
        ),
        (
            drawn(BASE62, 32),
            Key::Token,
            3.0,
            (4.05, 4.56, 2_000, 1_988),
        ),
        (drawn(HEX, 32), Key::Token, 3.0, (3.12, 3.62, 2_000, 2_000)),
        (names, Key::Token, 3.0, (3.04, 3.57, 40, 0)),
    ] {
        let (lowest, median, reach, secrets) = measure(&values, key, bits);
        assert_eq!((reach, secrets), (expected.2, expected.3), "{key:?}");
        assert!((lowest - expected.0).abs() < 0.01 && (median - expected.1).abs() < 0.01);
    }
}

#[test]
fn entropy_of_known_values() {
    assert!(value::entropy(b"aaaa").abs() < 1e-6);
    assert!((value::entropy(b"aabb") - 1.0).abs() < 1e-6);
    assert!((value::entropy(b"abcdefgh") - 3.0).abs() < 1e-6);
}

#[test]
fn nothing_found_allocates_nothing() {
    let mut out = Vec::new();
    let text = b"Note: at 12:30, x = 4; password: ask me. https://example.org/a";
    EntropyDetector::new().scan(&View::new(text, 0), &mut out);
    assert_eq!(out.capacity(), 0);
}

#[test]
fn cost_is_linear_on_hostile_texts() {
    for unit in [
        "=",
        ":",
        "a=",
        "token=",
        "token=a",
        "://",
        "a://",
        "a://a:",
        "a://a:a@a",
        "password:",
        "api_key=k8Jw2mzQ9k8Jw2mzQ7x ",
        "tokentokentokentokentokentokentokentoken=",
        "\"=\"",
        "токен=",
        "token:deadbeef0deadbeef1 ",
    ] {
        let text: Vec<u8> = unit.bytes().cycle().take(1 << 20).collect();
        let mut out = Vec::new();
        let steps = work::count(|| EntropyDetector::new().scan(&View::new(&text, 0), &mut out));
        assert!(steps <= 64 * text.len(), "{unit:?}: {steps}");
    }
}

#[test]
fn findings_are_local() {
    let key = "A_VERY_LONG_NAME_FOR_AN_ENVIRONMENT_VARIABLE_PASSWORD_THAT_IS_LONGER";
    let user = "u".repeat(MAX_USER);
    let secret = random(BASE62, MAX_VALUE + 9, 1);
    for text in [
        format!("{key}   \"  :=   \"{secret}\""),
        format!("authorization\"   :   \"  Bearer   {secret}"),
        format!("scheme://{user}:{}@host", &secret[..60]),
        format!("token: {}  {}", random(HEX, 64, 1), "words ".repeat(4)),
    ] {
        let filler = "of no note ".repeat(40);
        let long = format!("{filler}{text} {filler}");
        let whole = found(&long);
        assert_eq!(whole.len(), 1, "{text:?}");
        let spot = long.find(&whole[0]).unwrap();
        let window = &long[spot - BEHIND..spot + AHEAD];
        assert_eq!(whole, found(window), "{text:?}");
    }
}
