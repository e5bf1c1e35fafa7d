//! Names in dates: months in the languages of the larger press, the Persian calendar's months, halves of the day, time zones.

/// Beginnings of month names, folded to small letters; where several match, the longest counts.
const MONTHS: &[(&str, u8)] = &[
    // English, German, French, Spanish, Italian, Portuguese, Dutch, Polish, Turkish, Hungarian, Scandinavian.
    ("jan", 1),
    ("jän", 1),
    ("ene", 1),
    ("gen", 1),
    ("oca", 1),
    ("sty", 1),
    ("feb", 2),
    ("fév", 2),
    ("fev", 2),
    ("şub", 2),
    ("sub", 2),
    ("lut", 2),
    ("mar", 3),
    ("mär", 3),
    ("maer", 3),
    ("mrz", 3),
    ("mrt", 3),
    ("maa", 3),
    ("már", 3),
    ("apr", 4),
    ("avr", 4),
    ("abr", 4),
    ("nis", 4),
    ("kwi", 4),
    ("ápr", 4),
    ("may", 5),
    ("mai", 5),
    ("mag", 5),
    ("maj", 5),
    ("mei", 5),
    ("máj", 5),
    ("jun", 6),
    ("juin", 6),
    ("giu", 6),
    ("haz", 6),
    ("cze", 6),
    ("jún", 6),
    ("jul", 7),
    ("juil", 7),
    ("lug", 7),
    ("tem", 7),
    ("lip", 7),
    ("júl", 7),
    ("aug", 8),
    ("aoû", 8),
    ("aou", 8),
    ("ago", 8),
    ("ağu", 8),
    ("agu", 8),
    ("sie", 8),
    ("sep", 9),
    ("set", 9),
    ("eyl", 9),
    ("wrz", 9),
    ("szep", 9),
    ("oct", 10),
    ("okt", 10),
    ("ott", 10),
    ("out", 10),
    ("eki", 10),
    ("paź", 10),
    ("nov", 11),
    ("kas", 11),
    ("lis", 11),
    ("dec", 12),
    ("dez", 12),
    ("déc", 12),
    ("dic", 12),
    ("ara", 12),
    ("gru", 12),
    // Greek.
    ("ιαν", 1),
    ("φεβ", 2),
    ("μάρ", 3),
    ("μαρ", 3),
    ("μάώ", 3),
    ("απρ", 4),
    ("μάι", 5),
    ("μαΐ", 5),
    ("μαϊ", 5),
    ("μάϊ", 5),
    ("μαι", 5),
    ("ιούν", 6),
    ("ιουν", 6),
    ("ιον", 6),
    ("ιούλ", 7),
    ("ιουλ", 7),
    ("ιολ", 7),
    ("αύγ", 8),
    ("αυγ", 8),
    ("σεπ", 9),
    ("οκτ", 10),
    ("νοέ", 11),
    ("νοε", 11),
    ("δεκ", 12),
    // Russian and its neighbours.
    ("янв", 1),
    ("фев", 2),
    ("мар", 3),
    ("апр", 4),
    ("май", 5),
    ("мая", 5),
    ("июн", 6),
    ("июл", 7),
    ("авг", 8),
    ("сен", 9),
    ("окт", 10),
    ("ноя", 11),
    ("дек", 12),
];

/// Whole names of the Gregorian months in Arabic script.
const WHOLE_MONTHS: &[(&str, u8)] = &[
    // Persian.
    ("ژانویه", 1),
    ("فوریه", 2),
    ("مارس", 3),
    ("آوریل", 4),
    ("اوریل", 4),
    ("مه", 5),
    ("می", 5),
    ("ژوئن", 6),
    ("ژوین", 6),
    ("ژوئیه", 7),
    ("ژوییه", 7),
    ("جولای", 7),
    ("اوت", 8),
    ("آگوست", 8),
    ("اگوست", 8),
    ("سپتامبر", 9),
    ("اکتبر", 10),
    ("نوامبر", 11),
    ("دسامبر", 12),
    // Arabic: of Egypt and the Gulf, of the east, of the Maghreb.
    ("ینایر", 1),
    ("فبرایر", 2),
    ("ابریل", 4),
    ("مایو", 5),
    ("یونیو", 6),
    ("یونیه", 6),
    ("یولیو", 7),
    ("یولیه", 7),
    ("اغسطس", 8),
    ("سبتمبر", 9),
    ("اکتوبر", 10),
    ("نوفمبر", 11),
    ("دیسمبر", 12),
    ("کانونالثانی", 1),
    ("شباط", 2),
    ("آذار", 3),
    ("اذار", 3),
    ("نیسان", 4),
    ("ایار", 5),
    ("حزیران", 6),
    ("تموز", 7),
    ("آب", 8),
    ("ایلول", 9),
    ("تشرینالاول", 10),
    ("تشرینالثانی", 11),
    ("کانونالاول", 12),
    ("جانفی", 1),
    ("فیفری", 2),
    ("افریل", 4),
    ("مای", 5),
    ("جوان", 6),
    ("جویلیة", 7),
    ("جویلیه", 7),
];

/// Months of the Persian calendar (Jalali).
const JALALI: [(&str, u8); 28] = [
    ("فروردین", 1),
    ("اردیبهشت", 2),
    ("خرداد", 3),
    ("تیر", 4),
    ("مرداد", 5),
    ("امرداد", 5),
    ("شهریور", 6),
    ("مهر", 7),
    ("آبان", 8),
    ("ابان", 8),
    ("آذر", 9),
    ("دی", 10),
    ("بهمن", 11),
    ("اسفند", 12),
    ("اذر", 9),
    ("farvardin", 1),
    ("ordibehesht", 2),
    ("khordad", 3),
    ("tir", 4),
    ("mordad", 5),
    ("shahrivar", 6),
    ("mehr", 7),
    ("aban", 8),
    ("azar", 9),
    ("dey", 10),
    ("bahman", 11),
    ("esfand", 12),
    ("esphand", 12),
];

/// Weekdays that begin as months do.
const WEEKDAYS: [&str; 6] = ["maandag", "mardi", "martes", "martedì", "martedi", "subota"];

/// Offsets of named zones from UTC, in minutes. CST and IST are read as the larger part of the press means them.
const ZONES: &[(&str, i32)] = &[
    ("ut", 0),
    ("utc", 0),
    ("gmt", 0),
    ("z", 0),
    ("wet", 0),
    ("zulu", 0),
    ("est", -300),
    ("edt", -240),
    ("et", -300),
    ("cst", -360),
    ("cdt", -300),
    ("ct", -360),
    ("mst", -420),
    ("mdt", -360),
    ("mt", -420),
    ("pst", -480),
    ("pdt", -420),
    ("pt", -480),
    ("akst", -540),
    ("akdt", -480),
    ("hst", -600),
    ("ast", -240),
    ("adt", -180),
    ("at", -240),
    ("nst", -210),
    ("ndt", -150),
    ("brt", -180),
    ("art", -180),
    ("clt", -240),
    ("cot", -300),
    ("pet", -300),
    ("vet", -240),
    ("bst", 60),
    ("west", 60),
    ("cet", 60),
    ("cest", 120),
    ("met", 60),
    ("mest", 120),
    ("mez", 60),
    ("mesz", 120),
    ("eet", 120),
    ("eest", 180),
    ("msk", 180),
    ("msd", 240),
    ("trt", 180),
    ("sast", 120),
    ("cat", 120),
    ("wat", 60),
    ("eat", 180),
    ("irst", 210),
    ("irdt", 270),
    ("ir", 210),
    ("gst", 240),
    ("azt", 240),
    ("aft", 270),
    ("pkt", 300),
    ("uzt", 300),
    ("ist", 330),
    ("npt", 345),
    ("bdt", 360),
    ("ict", 420),
    ("wib", 420),
    ("hkt", 480),
    ("sgt", 480),
    ("myt", 480),
    ("pht", 480),
    ("awst", 480),
    ("jst", 540),
    ("kst", 540),
    ("acst", 570),
    ("acdt", 630),
    ("aest", 600),
    ("aedt", 660),
    ("nzst", 720),
    ("nzdt", 780),
];

/// What a word in a date stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    /// A month, 1 to 12.
    Month(u8),
    /// A month of the Persian calendar.
    JalaliMonth(u8),
    /// Before noon.
    Am,
    /// After noon.
    Pm,
    /// A zone, minutes east of UTC.
    Zone(i32),
    /// A weekday, or anything else that says nothing.
    Other,
}

/// The meaning of a word, in small letters, with Persian yeh and kaf, and with a plain alef for those with a hamza.
pub(super) fn meaning(word: &str) -> Word {
    match word {
        "am" | "a.m" | "a.m." | "π.μ" | "πμ" | "ق.ظ" | "قظ" | "قبلازظهر" | "ص" | "صبح" | "صباحا" | "오전" | "上午"
        | "午前" => {
            return Word::Am;
        }
        "pm" | "p.m" | "p.m." | "μ.μ" | "μμ" | "ب.ظ" | "بظ" | "بعدازظهر" | "م" | "عصر" | "مساء" | "오후" | "下午"
        | "午後" => {
            return Word::Pm;
        }
        _ => {}
    }
    let whole =
        |names: &[(&str, u8)], word: &str| names.iter().find(|(name, _)| *name == word).map(|(_, month)| *month);
    // «آذرماه», «ژوئیه‌ی».
    let bare = word.strip_suffix("ماه").filter(|bare| !bare.is_empty()).unwrap_or(word);
    if let Some(month) = whole(&JALALI, bare) {
        return Word::JalaliMonth(month);
    }
    if let Some(month) = whole(WHOLE_MONTHS, bare).or_else(|| whole(WHOLE_MONTHS, bare.strip_suffix('ی')?)) {
        return Word::Month(month);
    }
    if let Some((_, minutes)) = ZONES.iter().find(|(name, _)| *name == word) {
        return Word::Zone(*minutes);
    }
    if WEEKDAYS.contains(&word) {
        return Word::Other;
    }
    let found = MONTHS
        .iter()
        .filter(|(name, _)| word.starts_with(name))
        .max_by_key(|(name, _)| name.len());
    found.map_or(Word::Other, |(_, month)| Word::Month(*month))
}
