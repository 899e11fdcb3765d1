//! The words that rules are made of, language by language.
//!
//! Terms are parted by `|`, in lower case; a `*` at an end of a term lets the word go on there.
//! They were written for this crate from the grammar of each language: the imperative in its
//! familiar, polite and plural forms, the infinitive where signs and orders use it. Hindi has two
//! entries, one for each script that people write it in.

/// The words of one language.
pub(super) struct Terms {
    /// The name of its override rule.
    pub(super) rule: &'static str,
    /// The verb may stand after its object, as in `alle Anweisungen ignorieren`.
    pub(super) verb_final: bool,
    /// Verbs that say nothing else than: do not do as you were told.
    pub(super) verbs: &'static str,
    /// Verbs that have other uses: forget, drop.
    pub(super) soft_verbs: &'static str,
    /// What a model is given: instructions, prompt.
    pub(super) objects: &'static str,
    /// Objects that have other uses: rules, tasks.
    pub(super) soft_objects: &'static str,
    /// Those given before.
    pub(super) prior: &'static str,
    /// All of them, or yours.
    pub(super) whole: &'static str,
    /// Pronouns that stand for all that was said.
    pub(super) everything: &'static str,
    /// What to do instead.
    pub(super) demands: &'static str,
    /// Verbs that ask for a text.
    pub(super) reveal: &'static str,
    /// Names of the text that a model was given.
    pub(super) secrets: &'static str,
}

/// All languages; English is first, see [`ENGLISH`].
pub(super) const LANGUAGES: [Terms; 13] = [
    Terms {
        rule: "override.en",
        verb_final: false,
        verbs: "ignore|ignoring|disregard|disregarding|override|overriding|bypass|bypassing|\
            pay no attention to|do not follow|don't follow|stop following|no longer follow|\
            do not obey|don't obey|stop obeying|nullify|overrule",
        soft_verbs: "forget|forgetting|discard|abandon|erase|neglect|set aside|dismiss|leave behind",
        objects: "instruction*|guideline*|directive*|prompt|prompts|programming|\
            directions|restrictions|safeguards|guardrails|content polic*",
        soft_objects: "rule|rules|order|orders|command|commands|task|tasks|message|messages|policy|policies|\
            document|documents|thoughts|information|context|conversation|assignment*|constraints|\
            text|training|statements|discussion",
        prior: "previous*|prior|above|preceding|earlier|before|beforehand|former|foregoing|\
            initial|original|so far|you were given|you got|you received|you have received|\
            given to you|provided",
        whole: "all|any|every|your|these|those|system",
        everything: "everything|all of the above|anything|all that|what i said|what you were told|\
            what i told you|what you've been told|what you have been told|all i said|\
            all you know|all you were told",
        demands: "instead|print|say|write|output|tell|reveal|act|you are|show|respond|answer|\
            repeat|give me|do this|focus|start|listen",
        reveal: "reveal|show|print|repeat|output|display|tell|give|leak|expose|share|recite|copy|\
            dump|disclose|what is|what's|what are|what were|what was|return|quote|spell out",
        secrets: "system prompt*|initial prompt*|your prompt*|hidden prompt*|secret prompt*|\
            full prompt*|original prompt*|entire prompt*|all prompt|prompt text*|above prompt|\
            prompt above|beginning of this prompt|your instructions|your initial instructions|\
            initial instructions|hidden instructions|secret instructions|original instructions|\
            system instructions|system message*|developer message*|your guidelines|\
            your system instructions|your programming",
    },
    Terms {
        rule: "override.de",
        verb_final: true,
        verbs: "ignorier|ignoriere|ignorieren|ignoriert|missachte|missachten|missachtet|\
            übergehe|übergehen|umgehe|umgehen|beachte nicht|nicht beachten|befolge nicht|\
            nicht befolgen|nicht mehr befolgen|halte dich nicht an|außer kraft",
        soft_verbs: "vergiss|vergesst|vergessen|vergiß|verwirf|verwerfen|lösche",
        objects: "anweisung*|instruktion*|vorgabe*|prompt*|systemprompt*|systemanweisung*|\
            systemnachricht*|richtlinie*|befehl*|programmierung|anordnung*",
        soft_objects: "regel|regeln|aufgabe|aufgaben|auftrag|aufträge|text|nachricht*|dokument*|\
            gedanken|informationen|einschränkungen|angaben|ausführungen|gesagte",
        prior: "vorherig*|bisherig*|vorig*|obig*|vorangegangen*|vorangehend*|vorhergehend*|\
            früher*|oben|davor|zuvor|vorher|bis jetzt|bislang|ursprünglich*",
        whole: "alle|allen|deine|deinen|jede|sämtliche|sämtlichen|ihre|eure",
        everything: "alles|was ich gesagt habe|was wir besprochen haben|was dir gesagt wurde",
        demands: "stattdessen|schreib*|sage|sag|gib|zeig*|antworte*|beantworte*|du bist|nenne|\
            erzähl*|drucke|wiederhol*|konzentrier*|hör",
        reveal: "zeig*|nenn*|gib|verrat*|wiederhol*|was ist|wie lautet|wie lauten|was sind|sag*|\
            schreib*|drucke|offenbar*",
        secrets: "systemprompt*|system-prompt*|systemanweisung*|systemnachricht*|deine anweisung*|\
            deine instruktion*|deinen prompt|deinen prompt-text|prompt-text*|prompttext*|\
            ursprünglichen anweisung*|ihre anweisung*|geheimen anweisung*",
    },
    Terms {
        rule: "override.fr",
        verb_final: false,
        verbs: "ignore|ignores|ignorez|ignorer|ignorons|ne tiens pas compte|ne tenez pas compte|\
            ne tiens plus compte|ne tenez plus compte|ne tenir aucun compte|fais abstraction|\
            faites abstraction|contourne|contournez|outrepasse|outrepassez|ne suis pas|\
            ne suivez pas|ne suis plus|ne suivez plus|désobéis|désobéissez",
        soft_verbs: "oublie|oublies|oubliez|oublier|laisse tomber|laissez tomber|abandonne|\
            abandonnez|néglige|négligez",
        objects: "instruction*|consigne*|directive*|prompt|prompts|invite système",
        soft_objects: "commande|commandes|règle|règles|regles|ordre|ordres|tâche|tâches|message|messages|texte*|\
            document*|contrainte*",
        prior: "précédent*|precedent*|antérieur*|anterieur*|ci-dessus|plus haut|avant|initial*|\
            d'origine|jusqu'ici|jusqu'à présent|reçues|données",
        whole: "toutes|tous|tes|vos|toute|système|quelconque",
        everything: "tout|ce que je t'ai dit|ce que je vous ai dit|ce qui précède",
        demands: "à la place|dis|dites|écris|écrivez|affiche|affichez|réponds|répondez|montre|\
            montrez|tu es|donne|donnez|répète|répétez",
        reveal: "montre*|révèle*|révélez|affiche*|répète*|répétez|donne*|quelles sont|quel est|\
            dis|dites|partage*|divulgue*|écris",
        secrets: "tes instructions|vos instructions|prompt système|invite système|\
            instructions système|instructions initiales|message système|ton prompt|votre prompt|\
            prompt initial|instructions cachées|instructions secrètes",
    },
    Terms {
        rule: "override.es",
        verb_final: false,
        verbs: "ignora|ignore|ignoren|ignorad|ignorar|haz caso omiso|haga caso omiso|\
            hagan caso omiso|no hagas caso|no sigas|no siga|pasa por alto|desobedece|desatiende|\
            elude|omite|omita",
        soft_verbs: "olvida|olvide|olviden|olvidad|olvidar|olvídate|olvídese|descarta|descarte|\
            abandona|deja de lado",
        objects: "instruccion*|instrucción|indicacion*|directriz|directrices|prompt|prompts|\
            mensaje del sistema",
        soft_objects: "comando|comandos|regla|reglas|norma|normas|orden|órdenes|ordenes|tarea|tareas|mensaje*|\
            texto*|documento*|restriccion*",
        prior: "anterior*|previa|previas|previo|previos|de arriba|arriba|antes|precedente*|\
            inicial*|original*|hasta ahora|recibidas|dadas",
        whole: "todas|todos|tus|sus|cualquier|toda|vuestras|del sistema",
        everything: "todo|lo que te dije|lo anterior|todo lo que",
        demands: "en su lugar|en cambio|di|diga|escribe|escriba|responde|responda|muestra|muestre|\
            eres|dime|decir|imprime|repite|contesta",
        reveal: "muestra*|muéstra*|revela*|repite|repita|imprime|imprima|dime|di|cuáles son|\
            cuál es|dame|enseña*|comparte|escribe",
        secrets: "tus instrucciones|sus instrucciones|prompt del sistema|instrucciones iniciales|\
            instrucciones del sistema|mensaje del sistema|tu prompt|prompt inicial|\
            instrucciones ocultas|instrucciones secretas",
    },
    Terms {
        rule: "override.it",
        verb_final: false,
        verbs: "ignora|ignorate|ignori|ignorare|non considerare|non considerate|non seguire|\
            non seguite|non tenere conto|non tener conto|aggira|aggirate|trascura|trascurate|\
            disattendi|scavalca|non rispettare",
        soft_verbs: "dimentica|dimenticate|dimenticati|dimentichi|dimenticare|scorda|scordati|\
            tralascia|abbandona",
        objects: "istruzion*|direttiv*|linee guida|prompt|indicazion*|consegne",
        soft_objects: "comando|comandi|regola|regole|ordine|ordini|compito|compiti|messaggi*|testo|document*|\
            restrizioni|vincoli",
        prior: "precedent*|di cui sopra|sopra|prima|finora|inizial*|original*|ricevute|fornite",
        whole: "tutte|tutti|tue|tuoi|qualsiasi|ogni|vostre|di sistema",
        everything: "tutto|quello che ti ho detto|quanto detto|ciò che ti ho detto",
        demands: "invece|di'|dimmi|dì|scrivi|scrivete|rispondi|mostra|stampa|sei|ripeti|dammi",
        reveal: "mostra*|rivela*|ripeti|stampa|dimmi|dammi|quali sono|qual è|condividi|scrivi|\
            elenca",
        secrets: "tue istruzioni|vostre istruzioni|sue istruzioni|prompt di sistema|\
            istruzioni iniziali|istruzioni di sistema|messaggio di sistema|tuo prompt|\
            prompt iniziale|istruzioni nascoste|istruzioni segrete",
    },
    Terms {
        rule: "override.nl",
        verb_final: true,
        verbs: "negeer|negeert|negeren|let niet op|omzeil|omzeilt|omzeilen|veronachtzaam|\
            volg niet|niet volgen|niet opvolgen|houd je niet aan|houd u niet aan",
        soft_verbs: "vergeet|vergeten|verwerp|verwerpen|laat varen",
        objects: "instructie*|aanwijzing*|richtlijn*|prompt|prompts|opdracht*|systeemprompt*|\
            systeeminstructie*|voorschrift*",
        soft_objects: "commando*|regel|regels|bevel|bevelen|taak|taken|bericht*|tekst*|document*|\
            beperkingen",
        prior: "vorige|voorgaand*|eerder*|voorafgaand*|bovenstaand*|hierboven|daarvoor|hiervoor|\
            oorspronkelijk*|tot nu toe|gekregen",
        whole: "alle|al|je|jouw|uw|elke|jullie",
        everything: "alles|wat ik heb gezegd|wat je verteld is",
        demands: "in plaats daarvan|zeg|schrijf|antwoord|toon|geef|je bent|print|herhaal|vertel",
        reveal: "toon|onthul|herhaal|geef|vertel|wat is|wat zijn|deel|schrijf|print|laat",
        secrets: "je instructies|jouw instructies|uw instructies|systeemprompt*|\
            systeeminstructie*|systeembericht*|je prompt|jouw prompt|oorspronkelijke instructies|\
            verborgen instructies|geheime instructies",
    },
    Terms {
        rule: "override.pl",
        verb_final: false,
        verbs: "zignoruj|zignorujcie|ignoruj|ignorujcie|zignorować|ignorować|pomiń|pomińcie|nie przestrzegaj|\
            nie zwracaj uwagi|nie stosuj się do|nie wykonuj|obejdź|zlekceważ|lekceważ|omiń",
        soft_verbs: "zapomnij|zapomnijcie|zapomnieć|odrzuć|porzuć|wymaż",
        objects: "instrukcj*|polece*|wytyczn*|prompt*|dyrektyw*|wskazówk*|rozkaz*",
        soft_objects: "zasad*|reguł*|zadań|zadania|zadanie|zadaniach|wiadomoś*|tekst*|dokument*|\
            ograniczeni*",
        prior: "poprzedni*|wcześniejsz*|powyższ*|dotychczasow*|wcześniej|wyżej|pierwotn*|\
            uprzedni*|początkow*",
        whole: "wszystkie|wszystkich|swoje|swoich|twoje|twoich|wszelkie|wszelkich",
        everything: "wszystko|wszystkim|o wszystkim|to, co powiedziałem",
        demands: "zamiast tego|napisz|powiedz|odpowiedz|pokaż|wypisz|jesteś|podaj|powtórz",
        reveal: "pokaż|ujawnij|powtórz|wypisz|podaj|jakie są|jaki jest|napisz|wyświetl|zdradź",
        secrets: "swoje instrukcje|twoje instrukcje|prompt systemow*|promptu systemow*|\
            instrukcje systemow*|swój prompt|twój prompt|początkowe instrukcje|\
            ukryte instrukcje|komunikat systemow*",
    },
    Terms {
        rule: "override.pt",
        verb_final: false,
        verbs: "ignore|ignora|ignorem|ignorar|desconsidere|desconsidera|desconsiderem|\
            desconsiderar|não siga|não sigas|nao siga|desrespeite|contorne|não leve em conta|\
            desobedeça|não obedeça",
        soft_verbs: "esqueça|esquece|esqueçam|esquecer|esqueca|descarte|descarta|abandone|\
            deixe de lado",
        objects: "instruç*|instruco*|diretriz|diretrizes|diretiva*|prompt|prompts|orientaç*|\
            mensagem do sistema",
        soft_objects: "comando|comandos|regra|regras|norma|normas|ordem|ordens|tarefa|tarefas|mensage*|texto*|\
            documento*|restrições",
        prior: "anterior*|prévia|prévias|prévio|prévios|previas|acima|antes|precedente*|inicia*|\
            original|originais|até agora|recebidas|dadas",
        whole: "todas|todos|suas|seus|tuas|quaisquer|do sistema",
        everything: "tudo|o que eu disse|o que foi dito",
        demands: "em vez disso|diga|diz|escreva|escreve|responda|mostre|você é|imprima|repita|\
            me diga|me dê",
        reveal: "mostre|mostra|revele|revela|repita|repete|imprima|diga|quais são|qual é|me dê|\
            exiba|compartilhe|escreva",
        secrets: "suas instruções|tuas instruções|prompt do sistema|instruções iniciais|\
            instruções do sistema|mensagem do sistema|seu prompt|teu prompt|prompt inicial|\
            instruções ocultas|instruções secretas",
    },
    Terms {
        rule: "override.ru",
        verb_final: false,
        verbs: "игнорируй|игнорируйте|проигнорируй|проигнорируйте|игнорировать|проигнорировать|не обращай внимания|\
            не обращайте внимания|пренебреги*|не следуй|не следуйте|не выполняй|не выполняйте|\
            обойди|обойдите",
        soft_verbs: "отмени|отмените|забудь|забудьте|забыть|отбрось|отбросьте|отброс|откажись от",
        objects: "инструкци*|указани*|директив*|промпт*|промт*|предписани*|\
            установки|установок",
        soft_objects: "команд|команды|правил|правила|правилах|приказ*|задани*|задач|задачи|сообщени*|текст*|\
            документ*|ограничени*",
        prior: "предыдущ*|прежн*|прошл*|вышеуказанн*|вышеприведенн*|вышеприведённ*|выше|ранее|\
            предшествующ*|изначальн*|первоначальн*|до этого|раньше|исходн*",
        whole: "все|всех|всеми|любые|свои|своих|твои|ваши|системные|системных",
        everything: "всё|все, что|все что|обо всем|обо всём|сказанное",
        demands: "вместо этого|скажи|скажите|напиши|напишите|ответь|ответьте|покажи|покажите|\
            выведи|ты|повтори|назови",
        reveal: "покажи*|раскрой*|повтори*|выведи*|напечатай*|назови*|напиши*|скажи*|каков|\
            какие|какой|процитируй*",
        secrets: "системный промпт|системный промт|системного промпта|системные инструкции|\
            системное сообщение|свои инструкции|твои инструкции|ваши инструкции|свой промпт|\
            твой промпт|начальные инструкции|исходные инструкции|скрытые инструкции",
    },
    Terms {
        rule: "override.zh",
        verb_final: true,
        verbs: "忽略|忽视|忽視|无视|無視|不要理会|不要理會|不再理会|不要管|绕过|繞過|抛开|拋開|\
            不要遵守|不再遵守|不要遵循|不再遵循|不必遵守|违反|違反|撇开",
        soft_verbs: "忘记|忘記|忘掉|忘了|放弃|放棄|跳过|跳過|丢弃",
        objects: "指令|指示|提示词|提示詞|系统提示|系統提示|说明|說明|命令|指引|准则|準則|设定|\
            設定|指导原则|prompt",
        soft_objects: "规则|規則|规定|規定|任务|任務|限制|内容|內容|消息|訊息|信息|要求|对话|對話",
        prior: "之前|以前|以上|上述|上面|先前|前面|此前|原先|原有|初始|原始|刚才|剛才",
        whole: "所有|全部|任何|你的|系统|系統|一切|您的",
        everything: "一切|所有的话|所有话|所有内容|所有內容|我说的|我說的",
        demands: "改为|改為|输出|輸出|告诉|告訴|回答|写|寫|说|說|显示|顯示|现在|現在|你是|重复",
        reveal: "显示|顯示|告诉|告訴|输出|輸出|重复|重複|泄露|透露|打印|展示|说出|說出|列出|是什么",
        secrets: "系统提示|系統提示|你的指令|你的提示词|你的提示詞|初始指令|系统指令|系統指令|\
            初始提示|原始指令|隐藏指令|你的初始",
    },
    Terms {
        rule: "override.ar",
        verb_final: false,
        verbs: "*تجاهل*|أهمل|اهمل|أهملي|لا تتبع|لا تلتزم|تخط|تخطى|تجاوز|تجاوزي|لا تطع",
        soft_verbs: "انس|انسَ|إنس|انسى|انسي|وانس|تناس|تخل عن",
        objects: "*تعليمات*|*توجيهات*|*أوامر*|*اوامر*|*إرشادات*|*ارشادات*|برومبت|*الموجه*",
        soft_objects: "*قواعد*|*قوانين*|*مهام*|*رسائل*|*رسالة*|النص|*قيود*",
        prior: "*سابق*|أعلاه|اعلاه|من قبل|قبل|*الأصلية|*الاصلية|*الأولية|*الاولية|*الماضية",
        whole: "جميع|كل|كافة|كافّة|*النظام",
        everything: "كل شيء|كل شئ|كل شي|كل ما|ما سبق|ما قلته",
        demands: "بدلا|بدلاً|قل|اكتب|أجب|اجب|أخبرني|اخبرني|أظهر|اطبع|أنت|انت|اعرض",
        reveal: "اعرض|أظهر|اظهر|اكشف|كرر|اطبع|أخبرني|اخبرني|ما هي|ما هو|اكتب|أعطني",
        secrets: "تعليماتك|موجه النظام|تعليمات النظام|برومبت النظام|رسالة النظام|\
            تعليماتك الأولية|التعليمات الأولية|التعليمات المخفية",
    },
    Terms {
        rule: "override.hi",
        verb_final: true,
        verbs: "अनदेखा कर*|अनदेखी कर*|नज़रअंदाज़ कर*|नज़रअंदाज़ कर*|नजरअंदाज कर*|नज़रअंदाज कर*|\
            इग्नोर कर*|उपेक्षा कर*|ध्यान न दें|ध्यान मत दो|ध्यान ना दें|पालन न कर*|पालन मत कर*|\
            पालन ना कर*",
        soft_verbs: "भूल जा*|भूलो|भुला दो|भुला दें|त्याग द*",
        objects: "निर्देश*|अनुदेश*|आदेश*|प्रॉम्प्ट*|प्रोम्प्ट*|दिशानिर्देश*|दिशा-निर्देश*|हिदायत*",
        soft_objects: "नियम*|संदेश*|कार्य|कार्यों|काम|बात|बातें|बातों|पाठ",
        prior: "पिछल*|पहले|ऊपर|उपरोक्त|पूर्व|पुराने|पुरानी|अब तक|मूल",
        whole: "सभी|सब|सारे|सारी|अपने|तमाम|किसी भी",
        everything: "सब कुछ|सबकुछ|जो कुछ",
        demands: "इसके बजाय|बताओ|बताएं|लिखो|लिखें|कहो|कहें|दिखाओ|दिखाएं|जवाब|अब|आप हैं",
        reveal: "दिखा*|बता*|दोहरा*|प्रकट कर*|लिख*|क्या है|क्या हैं|छाप*",
        secrets: "सिस्टम प्रॉम्प्ट|अपने निर्देश|आपके निर्देश|सिस्टम निर्देश|सिस्टम संदेश|\
            प्रारंभिक निर्देश|छिपे निर्देश|अपना प्रॉम्प्ट|मूल निर्देश",
    },
    Terms {
        rule: "override.hi",
        verb_final: true,
        verbs: "ignore kar*|ignor kar*|nazarandaaz kar*|nazarandaz kar*|najarandaj kar*|\
            nazar andaaz kar*|andekha kar*|dhyan mat do|dhyan na de*|mat mano|palan mat kar*|\
            follow mat kar*",
        soft_verbs: "bhool ja*|bhul ja*|bhula do|bhulo",
        objects: "nirdesh*|aadesh*|adesh*|hidayat*|instruction*|prompt*|guideline*|command*",
        soft_objects: "niyam*|rule|rules|baat|baatein|baaton|baten|kaam|message*|sandesh*",
        prior: "pichhl*|pichl*|pehle|pahle|upar|oopar|purane|purani|previous|ab tak",
        whole: "sabhi|sab|saare|sare|saari|sari|apne|apni|tamam",
        everything: "sab kuch|sabkuch|sab kuchh|jo kuch",
        demands: "batao|bataiye|likho|likhiye|bolo|kaho|dikhao|jawab|ab|uske bajay",
        reveal: "dikha*|bata*|dohra*|likh*|bolo|kya hai|kya hain",
        secrets: "system prompt*|apne nirdesh|apni instructions|apne instructions|\
            tumhare instructions|aapke instructions|apna prompt|system instructions",
    },
];

/// Index of English, whose nouns go with the verbs of every language: prompts mix them.
pub(super) const ENGLISH: usize = 0;
/// Index of Polish.
pub(super) const POLISH: usize = 6;
