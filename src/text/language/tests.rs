//! Headlines and texts as feeds bring them, with what was declared of them.

use super::{Declared, direction, language_of, primary_subtag};

#[test]
fn the_first_letter_decides_the_direction() {
    assert_eq!(direction("۱۴۰۵: «گفت‌وگو» with X"), "rtl");
    assert_eq!(direction("2026: \"Talks\" با دیگران"), "ltr");
    assert_eq!(direction(""), "ltr");
}

#[test]
fn a_tag_is_reduced_to_its_primary_subtag() {
    assert_eq!(primary_subtag("fa-IR"), "fa");
    assert_eq!(primary_subtag(" EN_us "), "en");
    assert_eq!(primary_subtag("persian language"), "");
    assert_eq!(primary_subtag(""), "");
}

const FA: &str = "وزیر امور خارجه در نشست خبری امروز گفت که گفت‌وگوها با همسایگان ادامه دارد و کشور از توسعه همکاری‌های منطقه‌ای \
    استقبال می‌کند. وی افزود این توافق برای بازرگانان دو طرف سودمند خواهد بود و کار ساخت راه‌آهن تا پایان سال به پایان می‌رسد.";
const FA_ARABIC_KEYS: &str = "وزير امور خارجه در نشست خبري امروز گفت كه مذاكرات با همسايگان ادامه دارد و كشور از توسعه همكاري هاي منطقه اي \
    استقبال مي كند. وي افزود اين توافق براي بازرگانان دو طرف سودمند خواهد بود و كار ساخت راه آهن تا پايان سال به پايان مي رسد.";
const AR: &str = "قال وزير الخارجية في مؤتمر صحفي اليوم إن المحادثات مع دول الجوار مستمرة وإن البلاد ترحب بتوسيع التعاون الإقليمي. \
    وأضاف أن هذا الاتفاق سيكون مفيدا للتجار من الجانبين، وأن العمل في بناء السكة الحديدية سينتهي قبل نهاية العام.";
const UR: &str = "وزیر خارجہ نے آج ایک پریس کانفرنس میں کہا کہ پڑوسی ممالک کے ساتھ بات چیت جاری ہے اور ملک علاقائی تعاون کی توسیع کا \
    خیرمقدم کرتا ہے۔ انہوں نے کہا کہ یہ معاہدہ دونوں طرف کے تاجروں کے لیے فائدہ مند ہو گا اور ریلوے کی تعمیر سال کے آخر تک مکمل ہو گی۔";
const EN: &str = "The foreign minister told reporters on Monday that the talks with the neighbouring countries would go on and that the \
    country welcomes closer cooperation in the region. He added that the agreement would help traders on both sides of the border.";
const DE: &str = "Der Außenminister sagte am Montag vor Journalisten, dass die Gespräche mit den Nachbarländern weitergehen und dass das \
    Land eine engere Zusammenarbeit in der Region begrüßt. Das Abkommen werde den Händlern auf beiden Seiten der Grenze nützen.";
const FR: &str = "Le ministre des Affaires étrangères a déclaré lundi à la presse que les discussions avec les pays voisins se poursuivent \
    et que le pays se félicite d'une coopération plus étroite dans la région. Il a ajouté que cet accord aidera les commerçants.";
const ES: &str = "El ministro de Asuntos Exteriores dijo el lunes a los periodistas que las conversaciones con los países vecinos continúan \
    y que el país celebra una cooperación más estrecha en la región. Añadió que el acuerdo ayudará a los comerciantes de ambos lados.";
const RU: &str = "Министр иностранных дел заявил в понедельник журналистам, что переговоры с соседними странами продолжаются и что страна \
    приветствует более тесное сотрудничество в регионе. Он добавил, что соглашение поможет торговцам по обе стороны границы.";
const UK: &str = "Міністр закордонних справ заявив у понеділок журналістам, що переговори з сусідніми країнами тривають і що країна вітає \
    тіснішу співпрацю в регіоні. Він додав, що угода допоможе торговцям по обидва боки кордону, і подякував усім учасникам.";
const TR: &str = "Dışişleri Bakanı pazartesi günü gazetecilere yaptığı açıklamada komşu ülkelerle görüşmelerin sürdüğünü ve ülkenin bölgede \
    daha yakın iş birliğini memnuniyetle karşıladığını söyledi. Bakan, anlaşmanın sınırın iki yanındaki tüccarlar için yararlı olacağını ekledi.";
const IT: &str = "Il ministro degli Esteri ha detto lunedì ai giornalisti che i colloqui con i paesi vicini continuano e che il paese accoglie \
    con favore una cooperazione più stretta nella regione. Ha aggiunto che l'accordo aiuterà i commercianti di entrambe le parti.";
const NL: &str = "De minister van Buitenlandse Zaken zei maandag tegen journalisten dat de gesprekken met de buurlanden doorgaan en dat het land \
    nauwere samenwerking in de regio toejuicht. Hij voegde eraan toe dat het akkoord handelaren aan beide kanten van de grens zal helpen.";
const FI: &str = "Ulkoministeri sanoi maanantaina toimittajille, että neuvottelut naapurimaiden kanssa jatkuvat ja että maa pitää tervetulleena \
    tiiviimpää yhteistyötä alueella. Hän lisäsi, että sopimus auttaa kauppiaita rajan molemmin puolin ja että työ jatkuu keväällä.";
const CODE: &str = "foo(bar, baz); qux = quux + corge; grault.garply(waldo).fred(plugh, xyzzy); thud = foo(bar); baz.qux(quux); \
    corge += grault; garply.waldo(fred).plugh(xyzzy, thud); return foo + bar;";

/// What the entry declares, what the feed does, title, text, and the language.
const SAMPLES: &[(&str, &str, &str, &str, &str)] = &[
    // Long texts under the right declaration, under none, and under one that programs write by default.
    ("", "fa", "", FA, "fa"),
    ("", "", "", FA, "fa"),
    ("", "en", "", FA, "fa"),
    ("", "ar", "", FA, "fa"),
    ("", "", "", FA_ARABIC_KEYS, "fa"),
    ("", "ar", "", FA_ARABIC_KEYS, "fa"),
    ("", "ar", "", AR, "ar"),
    ("", "", "", AR, "ar"),
    ("", "en", "", AR, "ar"),
    ("", "fa", "", AR, "ar"),
    ("", "", "", UR, "ur"),
    ("", "en", "", UR, "ur"),
    ("", "en", "", EN, "en"),
    ("", "", "", EN, "en"),
    ("", "fa", "", EN, "en"),
    ("", "de", "", EN, "en"),
    ("", "de", "", DE, "de"),
    ("", "", "", DE, "de"),
    ("", "en", "", DE, "de"),
    ("", "fr", "", FR, "fr"),
    ("", "", "", FR, "fr"),
    ("", "en", "", FR, "fr"),
    ("", "es", "", ES, "es"),
    ("", "", "", ES, "es"),
    ("", "en", "", ES, "es"),
    ("", "ru", "", RU, "ru"),
    ("", "", "", RU, "ru"),
    ("", "en", "", RU, "ru"),
    ("", "", "", UK, "uk"),
    ("", "en", "", UK, "uk"),
    ("", "tr", "", TR, "tr"),
    ("", "", "", TR, "tr"),
    ("", "en", "", TR, "tr"),
    ("", "en", "", IT, "it"),
    ("", "en", "", NL, "nl"),
    ("", "en", "", FI, "fi"),
    ("", "fi", "", FI, "fi"),
    // A language that nothing here knows is believed.
    ("", "eu", "", CODE, "eu"),
    ("", "en", "", CODE, "en"),
    // Headlines.
    ("", "en", "رئیس جمهور وارد تهران شد", "", "fa"),
    ("", "en", "رئيس الوزراء يفتتح المؤتمر الدولي للسلام", "", "ar"),
    ("", "fa", "رئيس الوزراء يفتتح المؤتمر", "", "fa"),
    ("", "ar", "رئيس الوزراء يفتتح المؤتمر", "", "ar"),
    ("", "fa", "Talks on the corridor go on in Geneva", "", "en"),
    (
        "",
        "fa",
        "Gespräche über den Korridor und die Zölle gehen weiter",
        "",
        "de",
    ),
    ("", "fa", "OpenAI GPT-7", "", "en"),
    ("", "de", "OpenAI GPT-7", "", "de"),
    ("", "en", "Bundestag beschließt Haushalt", "", "en"),
    ("", "en", "Переговоры продолжаются", "", "ru"),
    ("", "en", "Переговори тривають і в Києві", "", "uk"),
    ("", "en", "東京で会談", "", "ja"),
    ("", "en", "外交部发言人", "", "zh"),
    ("", "en", "서울 회담", "", "ko"),
    ("", "en", "Συνομιλίες στην Αθήνα", "", "el"),
    ("", "en", "שיחות בירושלים", "", "he"),
    ("", "", "OK", "", ""),
    ("", "", "گفت‌وگو در ژنو", "", "fa"),
    ("", "", "", "", ""),
    ("", "fa", "2026", "", "fa"),
    // Mixed: names of others do not change the language of a text.
    ("", "fa", "نسخه تازه Android Studio و Kotlin منتشر شد", "", "fa"),
    ("", "en", "Iran's «انقلاب» street and what it says", "", "en"),
    ("", "", "نسخه تازه Android برای گوشی‌های قدیمی نیز منتشر می‌شود", "", "fa"),
    // What the entry declares.
    ("fr", "en", "Une interview", "", "fr"),
    ("fr", "en", "", EN, "fr"),
    ("en", "en", "", FA, "fa"),
    ("de", "en", "رئیس جمهور وارد تهران شد", "", "fa"),
    ("ar", "", "", FA, "ar"),
];

#[test]
fn headlines_and_texts_are_in_their_language() {
    let mut wrong = Vec::new();
    for (entry, feed, title, text, language) in SAMPLES {
        let told = language_of(Declared { entry, feed }, title, &format!("<p>{text}</p>"));
        if told != *language {
            let beginning: String = format!("{title}{text}").chars().take(40).collect();
            wrong.push(format!(
                "{told:?} for {language:?} under {entry:?}, {feed:?}: {beginning}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
