//! Words and phrases that rules take from all languages alike; parted by `|` as in `terms`.

/// Verbs that carry a text elsewhere, in all languages.
pub(super) const SEND: &str = "send|append|upload|forward|exfiltrate|transmit|encode|embed|attach|\
    leak|post|submit|include|concatenate|sende|senden|schick*|häng*|übermittl*|envoie|envoyez|\
    envoyer|ajoute|ajoutez|transmets|envía|envia|envíe|enviar|adjunta|añade|invia|inviate|inviare|\
    allega|aggiungi|stuur|verstuur|verzend|voeg|wyślij|prześlij|dołącz|envie|anexe|acrescente|\
    отправь*|перешли*|добавь*|发送|發送|附加|上传|上傳|转发|أرسل|ارسل|أضف|भेज*|जोड़*|bhejo";

/// What is worth carrying away.
pub(super) const DATA: &str = "conversation|conversation history|chat history|chat log|\
    previous messages|user data|user's data|user messages|chat|secrets|credentials|api key*|\
    password|passwords|access token*|personal data|system prompt*|session data|memory|\
    unterhaltung|gesprächsverlauf|chatverlauf|konversation|passwort|passwörter|zugangsdaten|\
    historique|mots de passe|mot de passe|conversación|conversacion|historial|contraseña*|\
    conversazione|cronologia|gesprek|gespreksgeschiedenis|wachtwoord*|rozmow*|historię czatu|\
    hasła|hasło|conversa|histórico|senha|senhas|разговор*|переписк*|историю чата|пароль|пароли|\
    对话|對話|聊天记录|聊天記錄|密码|密碼|密钥|المحادثة|كلمة المرور|बातचीत|पासवर्ड";

/// Where a text may be carried to.
pub(super) const ADDRESS: &str = "http://*|https://*|ftp://*|www.*|webhook*|endpoint";

/// Words for turning a cipher text back.
pub(super) const DECODE: &str = "decode|decodes|decoded|decoding|decrypt|decrypted|decipher|\
    deciphered|dekodier*|entschlüss*|décode*|décodez|décoder|déchiffre*|decodifica*|decodifique|\
    descodifica*|descifra*|decifra*|decodifichi|decodeer*|ontcijfer*|ontsleutel*|zdekoduj*|\
    odkoduj*|odszyfruj*|decodifique|decifre|descriptografe|декодир*|расшифр*|раскодир*|解码|解碼|\
    解密|فك تشفير|فك ترميز|فك شفرة|डिकोड*|डीकोड*|decode karo";

/// Names of encodings that hide words from filters.
pub(super) const SCHEME: &str = "base64|base 64|base-64|base64-encoded|b64|base32|rot13|rot-13|\
    rot 13|caesar|hex|hexadecimal|hex-encoded|hexadezimal*|hexadécimal*|morse|morse code|\
    morsecode|binary|binär*|leetspeak|pig latin|cipher|ciphertext|шестнадцатерич*|морзе|摩斯|\
    十六进制|十六進制|凯撒";

/// Words for doing what a text says.
pub(super) const EXECUTE: &str = "follow|execute|obey|carry out|comply|do what it says|\
    do what they say|act on|run it|answer it|respond to it|perform|instructions inside|\
    instructions in it|befolg*|ausführ*|führe|folge|sigue|siga|ejecuta|ejecute|cumple|suis|\
    suivez|exécute*|exécutez|applique*|segui|esegui|eseguite|eseguire|obbedisci|cumpra|volg|\
    voer|uitvoeren|wykonaj|postępuj|zastosuj się|выполни*|следуй*|исполни*|执行|執行|遵循|照做|\
    遵照|نفذ|نفّذ|اتبع|पालन|follow karo";

/// What makes a line after `System:` look like an order rather than a fact.
pub(super) const ORDER: &str = "you are|you're|you must|you will|you should|you have|your task|\
    ignore|override|always|never|respond|from now on|new instructions|the user|the assistant|\
    obey|comply|do not|reveal|du bist|du musst|tu es|vous êtes|eres|debes|sei|devi|je bent|\
    jesteś|você é|ты|вы должны|你是|你必须|أنت|आप|aap";

/// Phrases of jailbreaks that little else uses. Such a word alone is a hint, two are likely one.
pub(super) const JAILBREAK: &str = "do anything now|dan mode|developer mode|jailbreak|jailbroken|\
    jailbreaking|god mode|no ethical|without any ethical|no moral|unethical and immoral|amoral|\
    without any restrictions|without restrictions|no restrictions|no limitations|\
    without limitations|unfiltered|uncensored|no filters|without filters|broken free|\
    openai policies|openai policy|openai's policies|openai guidelines|content policy|\
    content policies|ethical guidelines|moral guidelines|break character|stay in character|\
    stay a dan|evil confidant|never refuse|never say no|cannot refuse|can't refuse|\
    regardless of legality|no matter how illegal|no matter how immoral|immoral|\
    without censorship|bypass your filters|disable your filters|no warnings|unrestricted|\
    no rules|no guidelines|alles jetzt tun|entwicklermodus|ohne einschränkungen|\
    uneingeschränkt|mode développeur|sans restriction*|sans aucune restriction|sans censure|\
    modo desarrollador|sin restricciones|sin censura|sin filtros|modalità sviluppatore|\
    senza restrizioni|senza censura|senza filtri|ontwikkelaarsmodus|zonder beperkingen|\
    tryb deweloperski|tryb programisty|bez ogranicze*|bez cenzury|modo desenvolvedor|\
    modo de desenvolvedor|sem restrições|sem censura|sem filtros|режим разработчика|\
    без ограничений|без цензуры|开发者模式|開發者模式|越狱|越獄|没有限制|沒有限制|不受限制|\
    وضع المطور|بدون قيود|بلا قيود|बिना किसी प्रतिबंध|डेवलपर मोड|bina kisi rok";

/// Phrases that open a role, honest ones too.
pub(super) const PERSONA: &str = "you are now|you will now act|act as|acting as|pretend to be|\
    pretend you are|pretend that you|from now on|you are going to|roleplay as|role play as|\
    roleplaying as|simulate|hypothetical|fictional|simulator|as an ai|chatgpt|\
    du bist jetzt|du bist nun|von nun an|ab jetzt|tu eres ahora|ahora eres|a partir de ahora|\
    tu es maintenant|à partir de maintenant|ora sei|d'ora in poi|je bent nu|vanaf nu|\
    jesteś teraz|od teraz|agora você é|a partir de agora|теперь ты|отныне|你现在是|你現在是|\
    从现在起|從現在起|أنت الآن|من الآن فصاعدا|अब से|अब आप|ab se tum";

/// Words that, right before a verb, take its force. Not the infinitive, see [`INFINITIVE`].
pub(super) const NEGATION: &[&str] = &[
    "not",
    "don't",
    "don’t",
    "never",
    "cannot",
    "can't",
    "won't",
    "didn't",
    "doesn't",
    "nicht",
    "nie",
    "niemals",
    "ne",
    "no",
    "nunca",
    "non",
    "niet",
    "nooit",
    "nigdy",
    "não",
    "не",
    "никогда",
    "لا",
    "न",
    "मत",
    "不要",
    "别",
    "別",
    "不能",
    "勿",
    "不应",
    "不會",
    "不会",
];

/// Negations that follow a verb, in German and Dutch.
pub(super) const NOT_AFTER: &[&str] = &[" nicht", " niet", " sie nicht", " u niet", " je niet"];

/// What stands before a noun that means any of its kind.
pub(super) const ARTICLES: &[&str] = &[
    " a ", " an ", " ein ", " einen ", " eine ", " een ", " un ", " une ", " una ", " um ", " uma ",
];

/// Words that, right before a verb, make it something talked about.
pub(super) const INFINITIVE: &[&str] = &[
    "to",
    "i",
    "we",
    "they",
    "he",
    "she",
    "people",
    "users",
    "who",
    "that",
    "could",
    "would",
    "might",
    "zu",
    "ich",
    "man",
    "de",
    "di",
    "te",
    "om",
    "ik",
    "aby",
    "żeby",
    "para",
    "чтобы",
    "как",
    "如何",
    "怎么",
    "怎麼",
    "自动",
    "كيف",
    "أن",
];

/// Words that, right before a verb, keep it an order.
pub(super) const LEADS: &[&str] = &[
    "please",
    "now",
    "then",
    "and",
    "just",
    "must",
    "should",
    "will",
    "but",
    "so",
    "bitte",
    "jetzt",
    "nun",
    "und",
    "maintenant",
    "et",
    "ahora",
    "y",
    "favor",
    "favore",
    "ora",
    "e",
    "agora",
    "nu",
    "en",
    "alsjeblieft",
    "teraz",
    "i",
    "proszę",
    "пожалуйста",
    "теперь",
    "и",
    "请",
    "請",
    "现在",
    "現在",
    "并",
    "الآن",
    "و",
    "अब",
    "कृपया",
    "ab",
];

/// Words before a quotation that say it is only mentioned.
pub(super) const MENTIONS: &[&str] = &[
    "such as",
    "like",
    "phrase",
    "called",
    "example",
    "attack",
    "injection",
    "e.g.",
    "says",
    "saying",
    "known as",
    "wrote",
    "writes",
    "wie",
    "sogenannt",
    "angriff",
    "beispiel",
    "comme",
    "attaque",
    "exemple",
    "como",
    "ataque",
    "ejemplo",
    "exemplo",
    "come",
    "attacco",
    "esempio",
    "zoals",
    "aanval",
    "voorbeeld",
    "jak",
    "atak",
    "przykład",
    "как",
    "атак",
    "пример",
    "例如",
    "比如",
    "攻击",
    "攻擊",
    "مثل",
    "هجوم",
    "जैसे",
    "हमल",
    "उदाहरण",
];
