//! Words of date cells in English, French, German and Spanish, all in lower case. The lists include common
//! words of Italian, Dutch and Portuguese.

/// The unit of a duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Seconds,
    Minutes,
    Hours,
    Days,
    Weeks,
    Months,
    Years,
}

/// A day relative to today.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Relative {
    Yesterday,
    Today,
    Tomorrow,
    EndOfWeek,
    NextWeek,
    EndOfMonth,
    NextMonth,
    EndOfQuarter,
    EndOfYear,
    NextYear,
}

const MONTHS: [&str; 12] = [
    "jan january janv janvier jän jänner januar ene enero gen gennaio januari janeiro",
    "feb february fev fév fevr févr fevrier février februar febrero febbraio februari",
    "mar march mars mär märz maerz mrz marzo maart março",
    "apr april avr avril abr abril aprile",
    "may mai mayo maggio mei maio",
    "jun june juin juni junio giugno junho",
    "jul july juil juillet juli julio luglio julho",
    "aug august aou aoû aout août ago agosto augustus",
    "sep sept september septembre septiembre setiembre settembre setembro",
    "oct october octobre okt oktober octubre ottobre outubro",
    "nov november novembre noviembre novembro",
    "dec december déc decembre décembre dez dezember dic diciembre dicembre dezembro",
];

const WEEKDAYS: [&str; 7] = [
    "mon monday lundi montag lunes lunedì maandag",
    "tue tues tuesday mardi dienstag martes martedì dinsdag",
    "wed wednesday mercredi mittwoch miércoles miercoles mercoledì woensdag",
    "thu thur thurs thursday jeudi donnerstag jueves giovedì donderdag",
    "fri friday vendredi freitag viernes venerdì vrijdag",
    "sat saturday samedi samstag sonnabend sábado sabado sabato zaterdag",
    "sun sunday dimanche sonntag domingo domenica zondag",
];

const UNITS: [(Unit, &str); 7] = [
    (
        Unit::Seconds,
        "s sec secs second seconds seconde secondes sekunde sekunden segundo segundos",
    ),
    (
        Unit::Minutes,
        "m min mins minute minutes minuten minuto minutos",
    ),
    (
        Unit::Hours,
        "h hr hrs hour hours heure heures std stunde stunden hora horas",
    ),
    (
        Unit::Days,
        "d day days j jour jours tag tage tagen día días dia dias",
    ),
    (
        Unit::Weeks,
        "w wk wks week weeks semaine semaines woche wochen semana semanas",
    ),
    (
        Unit::Months,
        "m mo mth month months mois monat monate monaten mes meses",
    ),
    (
        Unit::Years,
        "y yr yrs year years an ans année années jahr jahre jahren año años",
    ),
];

const RELATIVE: [(Relative, &[&str]); 10] = [
    (
        Relative::Yesterday,
        &["yesterday", "hier", "gestern", "ayer"],
    ),
    (
        Relative::Today,
        &[
            "today",
            "aujourd'hui",
            "aujourd’hui",
            "heute",
            "hoy",
            "now",
            "immediately",
            "maintenant",
            "sofort",
            "jetzt",
            "ahora",
            "eod",
            "end of day",
            "tonight",
        ],
    ),
    (
        Relative::Tomorrow,
        &["tomorrow", "demain", "morgen", "mañana"],
    ),
    (
        Relative::EndOfWeek,
        &[
            "eow",
            "end of week",
            "end of the week",
            "this week",
            "fin de semaine",
            "ende der woche",
            "fin de semana",
        ],
    ),
    (
        Relative::NextWeek,
        &[
            "next week",
            "semaine prochaine",
            "nächste woche",
            "próxima semana",
        ],
    ),
    (
        Relative::EndOfMonth,
        &[
            "eom",
            "end of month",
            "end of the month",
            "this month",
            "fin du mois",
            "fin de mois",
            "monatsende",
            "ende des monats",
            "fin de mes",
        ],
    ),
    (
        Relative::NextMonth,
        &[
            "next month",
            "mois prochain",
            "nächster monat",
            "próximo mes",
        ],
    ),
    (
        Relative::EndOfQuarter,
        &[
            "eoq",
            "end of quarter",
            "this quarter",
            "fin du trimestre",
            "quartalsende",
            "fin de trimestre",
        ],
    ),
    (
        Relative::EndOfYear,
        &[
            "eoy",
            "end of year",
            "end of the year",
            "year end",
            "this year",
            "fin d'année",
            "fin d’année",
            "fin de l'année",
            "jahresende",
            "ende des jahres",
            "fin de año",
        ],
    ),
    (
        Relative::NextYear,
        &[
            "next year",
            "année prochaine",
            "nächstes jahr",
            "próximo año",
        ],
    ),
];

/// Texts that mean "there is no end". They have no other meaning in a column of dates.
const WITHOUT_END: [&str; 43] = [
    "0000-00-00",
    "0000-00-00 00:00",
    "0000-00-00 00:00:00",
    "none",
    "no",
    "not set",
    "n/a",
    "na",
    "null",
    "(null)",
    "nil",
    "\\n",
    "no expiry",
    "no expiration",
    "does not expire",
    "doesn't expire",
    "no end",
    "no limit",
    "unlimited",
    "forever",
    "permanent",
    "permanently",
    "always",
    "indefinite",
    "indefinitely",
    "infinite",
    "infinity",
    "∞",
    "open",
    "open-ended",
    "jamais",
    "toujours",
    "illimité",
    "sans fin",
    "nie",
    "niemals",
    "immer",
    "unbefristet",
    "unbegrenzt",
    "nunca",
    "siempre",
    "nooit",
    "mai più",
];

/// Words around a date that do not change it.
const FILLERS: &str = "until till til to by before up from since on at the of st nd rd th le la du de au er jusqu \
    jusque partir à a um uhr bis am der den dem ab seit el del al hasta desde las los días o clock \
    valid expires expire starts start ends end inclusive incl included date \
    mo di mi do fr sa so lun mer jeu ven sam dim";

/// Offsets of time zones in minutes, by the abbreviations in RFC 5322 (section 4.3) and those used in Europe.
const ABBREVIATIONS: [(&str, i32); 20] = [
    ("z", 0),
    ("utc", 0),
    ("gmt", 0),
    ("ut", 0),
    ("est", -300),
    ("edt", -240),
    ("cst", -360),
    ("cdt", -300),
    ("mst", -420),
    ("mdt", -360),
    ("pst", -480),
    ("pdt", -420),
    ("wet", 0),
    ("west", 60),
    ("cet", 60),
    ("cest", 120),
    ("mez", 60),
    ("mesz", 120),
    ("eet", 120),
    ("eest", 180),
];

fn has_word(words: &str, word: &str) -> bool {
    words.split(' ').any(|known| known == word)
}

/// Returns the number of a month, 1 to 12.
pub(super) fn month(word: &str) -> Option<u8> {
    let index = MONTHS.iter().position(|names| has_word(names, word))?;
    u8::try_from(index + 1).ok()
}

/// Returns the number of a weekday, from 0 for Monday.
pub(super) fn weekday(word: &str) -> Option<u8> {
    let index = WEEKDAYS.iter().position(|names| has_word(names, word))?;
    u8::try_from(index).ok()
}

/// Returns the units that a word may mean. `m` means minutes or months.
pub(super) fn units(word: &str) -> impl Iterator<Item = Unit> {
    let known = UNITS.iter().filter(move |(_, names)| has_word(names, word));
    known.map(|(unit, _)| *unit)
}

/// Returns the relative day that a text means, such as `tomorrow`.
pub(super) fn relative(text: &str) -> Option<Relative> {
    let names = |(_, phrases): &&(Relative, &[&str])| phrases.contains(&text);
    RELATIVE.iter().find(names).map(|(relative, _)| *relative)
}

/// Returns whether a text means that there is no end.
pub(super) fn is_without_end(text: &str) -> bool {
    WITHOUT_END.contains(&text)
}

/// Returns whether a word can be around a date without changing it.
pub(super) fn is_filler(word: &str) -> bool {
    has_word(FILLERS, word)
}

/// Returns the offset from UTC that an abbreviation stands for, in minutes.
pub(super) fn abbreviated_offset(word: &str) -> Option<i32> {
    let known = ABBREVIATIONS.iter().find(|(name, _)| *name == word);
    known.map(|(_, minutes)| *minutes)
}
