use super::*;

#[test]
fn spain() {
    assert_found(
        "es_dni",
        &[
            "[12345678Z]",
            "DNI [09105859K].",
            "mi dni: [41046494g]",
            "[80187521-E]",
            "NIF [71149901 E]",
            "[28.621.243-C]",
            "[27.208.896B]",
            "DNI número [09.105.859-k]",
            "(dni=[41046494G])",
            "Ana;[80187521E];Madrid",
        ],
    );
    assert_found(
        "es_nie",
        &[
            "[X7904230G]",
            "NIE: [Z3194447M]",
            "[Y-9139335-T]",
            "[Z-4280507M]",
            "nie [x0865838a]",
            "su NIE es [Y5374801-Z].",
        ],
    );
    assert_nothing(&[
        "12345678A",
        "DNI 12345678Y",
        "dni 00000000T",
        "dni 11111111H",
        "09105859k", // lower case, no word
        "1234567Z",
        "123456789Z",
        "a12345678Z",
        "12345678Zx",
        "12345678Z-2",
        "ref/12345678Z",
        "12345678I", // no check letter
        "X7904230H",
        "W7904230G",
        "x7904230g",
        "X79042300G",
        "X-7904230-H",
        "order X-7904230-H",
        "DNI 12.345.678",
        "model 12345678U",
        "12345678",
        "pedido 12345678",
    ]);
    assert_checked("es_dni", "dni", &["12345678Z", "09105859K"], 1000);
    assert_checked("es_nie", "nie", &["X7904230G"], 1000);
}

#[test]
fn france() {
    assert_found(
        "fr_nir",
        &[
            "[260076983309795]",
            "NIR [154103349590722]",
            "[2 79 04 2A 301 211 16]",
            "mon numéro de sécu : [2 55 05 75 603 478 69]",
            "[195082B17589049]",
            "sécurité sociale [2420613951040 57]",
            "[2.60.07.69.833.097.95]",
            "n° [1 54 10 33 495 907 22].",
            "carte vitale [2420613951040-57]",
            "nir [279042a30121116]",
            "NIR [760206983309753]",
        ],
    );
    assert_nothing(&[
        "260076983309796",
        "NIR 260076983309794",
        "2 79 04 2A 301 211 17",
        "2 79 04 2B 301 211 16",
        "360076983309795",     // sex
        "nir 260006983309795", // month
        "260070083309795",     // department
        "26007698330979",
        "2600769833097951",
        "0.260076983309795",
        "260076983309795.25",
        "x260076983309795",
        "1 2 60 07 69 833 097 95",
        "2 60 07 69 833 097 95 12",
        "06 12 34 56 78",
        "01 42 68 53 00",
        "SIRET 732 829 320 00074",
        "commande 154103349590723",
        "760206983309753", // temporary, no month
        "1712345678901234",
        "356938035643809", // IMEI
    ]);
    assert_checked(
        "fr_nir",
        "nir",
        &["260076983309795", "154103349590722"],
        1000,
    );
}

#[test]
fn italy() {
    assert_found(
        "it_codice_fiscale",
        &[
            "[RSSMRA85T10A562S]",
            "codice fiscale [GCNLLS85D23A944O]",
            "C.F. [srdgtn70h02h501y].",
            "[LFN PBP 73E15 F205V]",
            "CF: [LMM-BRR-78M10-A944J]",
            "[FRBTFS59T12A944A], grazie",
            "(TML) [TMLGML71R07L219Q]",
            "cf=[GCNLLS85D23A944O]&a",
            "[SRD-GTN-70H02-H501Y]",
            "[RSS MRA 85T10 A562 S]",
        ],
    );
    assert_nothing(&[
        "RSSMRA85T10A562T", // check letter
        "RSSMRA85T32A562S", // day
        "RSSMRA85F10A562S", // month letter
        "RSSMRA85T10A562",
        "RSSMRA85T10A562SS",
        "xRSSMRA85T10A562S",
        "RSSMRA85T10A562S_1",
        "RSS-MRA85T10A562S",
        "RSSMRA85T10-A562S",
        "codice fiscale 12345678903",
        "ordine ABCDEF12G34H567I",
        "CF ABCDEF12A34H567J",
        "R5SMRA85T10A562S",
        "4111111111111111",
        "1234567890ABCDEF",
        "DEADBEEF12345678",
    ]);
    assert_checked("it_codice_fiscale", "cf", &["RSSMRA85T10A562S"], 1000);
}

#[test]
fn omocodia_is_read() {
    // The last digit of the place, 2, as N; the check letter follows.
    let code = (b'A'..=b'Z')
        .map(|letter| format!("RSSMRA85T10A56N{}", char::from(letter)))
        .filter(|code| !found(code).is_empty())
        .count();
    assert_eq!(code, 1);
}

#[test]
fn portugal() {
    assert_found(
        "pt_nif",
        &[
            "NIF [364577150]",
            "o meu nif é [313 636 575].",
            "contribuinte [265784387]",
            "NIF: [385.726.074]",
            "[163568499] (NIF)",
            "nº de contribuinte: [183637410]",
            "nif=[364577150]&x",
            "número fiscal [313636575]",
            "NIPC [500697256]",
            "tax number [265784387]",
        ],
    );
    assert_nothing(&[
        "364577150",
        "313 636 575",
        "NIF 364577151",
        "nif 111111111",
        "nif 464577150",
        "nif 36457715",
        "nif 3645771500",
        "nif x364577150",
        "nif 364577150,25",
        "nif 364-577-150",
        "fatura 364577150",
        "encomenda 313636575",
        "tel 912 345 678",
        "nifs 364577150",
        "nif 1 313 636 575",
        "nif 1.313.636.575",
    ]);
    assert_checked("pt_nif", "nif", &["265784387", "313636575"], 20);
}
