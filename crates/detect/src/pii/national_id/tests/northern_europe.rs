use super::*;

#[test]
fn germany() {
    assert_found(
        "de_steuer_id",
        &[
            "Steuer-ID [84234105765]",
            "Meine Steuer-ID lautet [63 308 432 198].",
            "IdNr. [58740692239]",
            "Identifikationsnummer: [51286497003]",
            "TIN [98263675040]",
            "[88921475609] (Steuer-ID)",
            "steueridentifikationsnummer=[84234105765]",
            "Steuerliche Identifikationsnummer [63308432198]",
            "steuer id [58 740 692 239]",
            "tax id [51286497003]",
        ],
    );
    assert_found(
        "de_personalausweis",
        &[
            "Personalausweis [T220001293]",
            "Ausweisnummer: [T220001293].",
            "Ausweis-Nr. [1220001297]",
            "Personalausweisnummer [1220001297D]",
            "[T220001293] (Perso)",
            "ID card [T220001293]",
        ],
    );
    assert_nothing(&[
        "84234105765",
        "63 308 432 198",
        "Steuer-ID 84234105766",
        "Steuer-ID 04234105765",
        "Steuer-ID 12345678901",
        "Steuer-ID 11123456789",
        "Steuer-ID 8423410576",
        "Steuer-ID 842341057651",
        "Steuer-ID 21/815/08150", // a tax office's number
        "Steuernummer 181/815/08155",
        "Bestellung 84234105765",
        "Rechnung 63308432198",
        "Steuer-ID x84234105765",
        "1 63 308 432 198 Steuer-ID",
        "T220001293",
        "Personalausweis T220001294",
        "Personalausweis A220001293",
        "Personalausweis T22000129",
        "Personalausweis 1220001298",
        "Personalausweis 0000000000",
        "Ausweis TS20001293",
        "Serie T220001293",
        "0170 1234567",
        "089 / 123 456 78",
    ]);
    assert_checked(
        "de_steuer_id",
        "steuer-id",
        &["84234105765", "63308432198"],
        1000,
    );
    assert_checked(
        "de_personalausweis",
        "ausweis",
        &["T220001293", "1220001297"],
        20,
    );
}

#[test]
fn netherlands() {
    assert_found(
        "nl_bsn",
        &[
            "BSN [527018314]",
            "mijn bsn is [001265362].",
            "burgerservicenummer: [5368.86.520]",
            "BSN-nummer [140417667]",
            "[919306470] (BSN)",
            "sofinummer [989 945 923]",
            "bsn=[527018314]&x",
            "\"bsn\": \"[001265362]\"",
            "citizen service number [536886520]",
            "BSN: [140.417.667]",
            "BSN [527-018-314]",
        ],
    );
    assert_nothing(&[
        "527018314",
        "5368.86.520",
        "BSN 527018315",
        "bsn 000000000",
        "bsn 52701831",
        "bsn 5270183140",
        "bsn x527018314",
        "bsn 527018314,50",
        "bsn 527/018/314",
        "bsn 1.527.018.314",
        "bestelling 527018314",
        "factuur 001265362",
        "order 536886520",
        "tel 020-5270183",
        "bsnr 527018314",
        "1 527 018 314 bsn",
    ]);
    assert_checked("nl_bsn", "bsn", &["527018314", "001265362"], 1000);
}

#[test]
fn united_kingdom() {
    assert_found(
        "uk_nhs_number",
        &[
            "NHS number [794 309 8366]",
            "nhs no: [8656123157]",
            "NHS [174-987-0169]",
            "[2064572562] (NHS)",
            "my NHS number is [5942846111].",
            "nhs_number=[2989516352]&",
            "National Health Service [7943098366]",
        ],
    );
    assert_found(
        "uk_nino",
        &[
            "[AB 12 34 56 C]",
            "National Insurance [AB123456C]",
            "NI number: [jg103759a]",
            "[JG103759A]",
            "nino [CE 12 34 56 D].",
            "NINO=[CE-12-34-56-D]",
            "my national insurance number is [PX 654321 B]",
        ],
    );
    assert_nothing(&[
        "7943098366",
        "794 309 8366",
        "NHS 7943098367",
        "nhs 0000000000",
        "nhs 794309836",
        "nhs 79430983660",
        "order 7943098366",
        "phone 020 7946 0958",
        "nhs 1 794 309 8366",
        "QQ 12 34 56 C",
        "QQ123456C",
        "BG123456A",
        "nino GB123456A",
        "nino ZZ123456A",
        "nino AO123456A",
        "AB123456E",
        "ab123456c",
        "AB111111C",
        "AB1234567",
        "AB123456CD",
        "XAB123456C",
        "order AB123456C",
        "part AB123456C",
        "AB-123456-C",
        "AB123456C-1",
        "flight BA 12 34",
    ]);
    assert_checked("uk_nhs_number", "nhs", &["7943098366", "8656123157"], 1000);
}
