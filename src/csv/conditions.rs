//! Recognizes the names of columns that state a condition, such as `Enabled`, `Port` or `Expires`.
//!
//! None of these conditions is applied: a row applies to every request, regardless of its cells in these
//! columns. `header.rs` therefore warns about such columns. Dates are applied if their column has a name from
//! `columns.rs`. The lists below contain those names as well, because if a file has two such columns, only
//! one of them is read.
//!
//! The lists contain the usual names in English, German, French and Spanish, without accents. A name must
//! match as a whole, because names such as `Site contact` and `Status changed by` do not state a condition.

use crate::csv::columns::normalized;

/// Names of columns that switch rows on and off.
const SWITCHES: &str = "enabled enable isenabled disabled isdisabled active isactive inactive status state valid \
     isvalid deleted revoked suspended \
     aktiv aktiviert inaktiv deaktiviert gesperrt zustand gultig \
     actif active inactif desactive statut etat valide \
     activo activado habilitado inactivo desactivado deshabilitado estado valido";

/// Names of columns that limit rows to some requests.
const REQUESTS: &str = "port ports protocol protocols proto path paths url urls uri location directory folder page \
     host hostname hosts domain domains vhost virtualhost site sites website server service \
     method methods httpmethod direction destination interface useragent referer referrer \
     protokoll pfad verzeichnis ordner seite webseite rechner domane domaene dienst methode richtung \
     ziel schnittstelle \
     protocole chemin repertoire dossier hote domaine siteweb serveur methode sens \
     puerto puertos protocolo ruta directorio carpeta dominio sitio sitioweb servidor servicio metodo \
     sentido destino";

/// Names of columns that limit rows to a time.
const TIMES: &str = "starts start startdate startson startsat starttime begin begins from validfrom since activefrom \
     expires expire expireson expiresat expiry expiration expirydate expirationdate expired \
     validuntil validto validtill until till enddate end ends endson endsat endtime activeuntil ttl \
     duration validity weekday weekdays dayofweek days time times timeofday hours schedule timeframe \
     beginn startdatum ab von gultigab gultigvon gueltigab gueltigvon ablauf ablaufdatum lauftab ende \
     enddatum bis gultigbis gueltigbis gultigkeit dauer wochentag wochentage tage uhrzeit zeit zeitraum \
     zeitplan \
     debut datedebut datededebut depuis valabledepuis expirele expireal dateexpiration datedexpiration \
     echeance fin datefin datedefin jusquau validejusquau valablejusquau duree jour jours \
     joursdelasemaine heure heures horaire horaires \
     inicio fechainicio fechadeinicio desde validodesde caduca caducidad fechacaducidad \
     fechadecaducidad vence vencimiento fechavencimiento fechadevencimiento hasta validohasta fechafin \
     fechadefin duracion dia dias diadelasemana hora horas horario";

/// Names of columns that set the order of rows. The order has no effect, because a Deny wins over an Allow in
/// any order.
const ORDERS: &str = "priority prio precedence order rank \
     prioritat prioritaet reihenfolge rang priorite ordre prioridad orden";

/// Returns whether a column with this name states a condition.
pub(crate) fn states_condition(name: &str) -> bool {
    let name: String = normalized(name)
        .chars()
        .map(without_accent)
        .filter(|character| character.is_alphanumeric())
        .collect();
    [SWITCHES, REQUESTS, TIMES, ORDERS]
        .into_iter()
        .flat_map(str::split_whitespace)
        .any(|known| known == name)
}

fn without_accent(character: char) -> char {
    match character {
        'à' | 'á' | 'â' | 'ä' => 'a',
        'ç' => 'c',
        'è' | 'é' | 'ê' | 'ë' => 'e',
        'ì' | 'í' | 'î' | 'ï' => 'i',
        'ñ' => 'n',
        'ò' | 'ó' | 'ô' | 'ö' => 'o',
        'ù' | 'ú' | 'û' | 'ü' => 'u',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(names: &[&str], expected: bool) {
        for name in names {
            assert_eq!(states_condition(name), expected, "{name}");
        }
    }

    #[test]
    fn knows_the_usual_names_of_four_languages() {
        check(
            &[
                "Enabled",
                "Enabled?",
                "is_active",
                "Status",
                "PORT",
                "Protocol",
                "Path",
                "URL",
                "Host",
                "Domain",
                "Site",
                "Expires",
                "Valid until",
                "Valid.To",
                "Starts",
                "Weekday",
                "Time",
                "Priority",
                "Aktiv",
                "Gültig bis",
                "Pfad",
                "Wochentag",
                "Actif",
                "Désactivé",
                "Valide jusqu’au",
                "Chemin",
                "Hôte",
                "Date d'expiration",
                "Habilitado",
                "Válido hasta",
                "Puerto",
                "Día de la semana",
            ],
            true,
        );
    }

    #[test]
    fn other_columns_state_no_condition() {
        check(
            &[
                "",
                "Owner",
                "Ticket",
                "ID",
                "Name",
                "Date",
                "Created",
                "Site contact",
                "Status changed by",
                "Bemerkung",
                "Propriétaire",
                "Import",
                "Country",
                "IP Address",
                "Rule",
                "Comment",
            ],
            false,
        );
    }
}
