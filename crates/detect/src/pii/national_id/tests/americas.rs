use super::*;

#[test]
fn united_states() {
    assert_found(
        "us_ssn",
        &[
            "[123-45-6789]",
            "My SSN is [123-45-6789].",
            "ssn: [526018159]",
            "SSN [083-01-6613], thanks",
            "social security number [186 09 1390]",
            "{\"customer_ssn\":\"[628194821]\"}",
            "[543231948] is her Social Security no.",
            "Ann,[757-49-1186],1990",
            "SSN\\n[526-01-8159]",
            "número de seguro social [083016613]",
            "社会安全号[123-45-6789]。",
            "(ssn=[543-23-1948])",
        ],
    );
    assert_found(
        "us_itin",
        &[
            "[991-70-3423]",
            "ITIN [966712768]",
            "itin: [985 99 5289]",
            "my taxpayer identification number is [907-86-6661]",
            "Tax ID [915901092].",
            "[917-77-7412] (ITIN)",
        ],
    );
    assert_nothing(&[
        "000-45-6789",
        "666-45-6789",
        "ssn 900-45-6789",
        "ssn 123-00-6789",
        "ssn 123-45-0000",
        "ssn 078-05-1120",
        "ssn 219-09-9999",
        "ssn 111-11-1111",
        "987-65-4321 is often printed",
        "order 123-45-6789",
        "invoice no. 123-45-6789",
        "tracking 123-45-6789",
        "123456789",
        "123 45 6789",
        "order 526018159",
        "1-123-45-6789",
        "123-45-6789-1",
        "123-45-67890",
        "a123-45-6789",
        "123-45-6789x",
        "ssn 123-456-789",
        "ssn 12-345-6789",
        "call 555-123-4567",
        "zip 12345-6789",
        "ssn 1 123 45 6789 2",
        "itin 991-93-3423",
        "itin 991-49-3423",
        "itin 891-89-342",
        "social media post 526018159",
        "+123-45-6789",
    ]);
}

#[test]
fn brazil() {
    assert_found(
        "br_cpf",
        &[
            "[450.749.528-83]",
            "CPF [360.848.529-55], obrigado",
            "meu cpf é [51131154444]",
            "CPF: [868401021-30]",
            "cpf nº [999 405 615 80]",
            "[597.656.131-48].",
            "cliente_cpf=[45074952883]&x=1",
            "C.P.F. [36084852955]",
            "[51131154444] (CPF)",
            "contribuinte [86840102130]",
        ],
    );
    assert_found(
        "br_cnpj",
        &[
            "[27.023.854/0001-40]",
            "CNPJ [64.958.585/0001-30].",
            "cnpj [60339309000132]",
            "CNPJ: [59262536/0001-28]",
            "[12.ABC.345/01DE-35]",
            "CNPJ alfanumérico [VX9IVNEN000142]",
            "[XB.NQX.WAC/0001-70]",
            "cnpj [IQ5QN2CY000170]",
            "empresa [CO.DTO.ITZ/0001-61]",
            "[74254944000121] é o CNPJ",
        ],
    );
    assert_nothing(&[
        "450.749.528-84",
        "450.749.528-38",
        "cpf 45074952884",
        "45074952883",
        "pedido 45074952883",
        "cpf 111.111.111-11",
        "cpf 4507495288",
        "cpf 450749528830",
        "450.749.528.83",
        "450.749.528-83-1",
        "1.450.749.528-83",
        "v450.749.528-83",
        "450,749,528-83",
        "27.023.854/0001-41",
        "cnpj 27023854000141",
        "27023854000140",
        "fatura 27023854000140",
        "cnpj 00.000.000/0000-00",
        "27.023.854/0001",
        "12.ABC.345/01DE-36",
        "cnpj VX9IVNEN000143",
        "VX9IVNEN000142",
        "27.023.854-0001/40",
        "20240517123456",
    ]);
    assert_checked("br_cpf", "cpf", &["45074952883", "36084852955"], 40);
    assert_checked("br_cnpj", "cnpj", &["27023854000140", "12ABC34501DE35"], 40);
}

#[test]
fn mexico() {
    assert_found(
        "mx_curp",
        &[
            "[RIFD571209MDFGML01]",
            "CURP: [RELM531119MJCLBR05]",
            "mi curp es [lirc990615mdfcbc07].",
            "[DUCD701226MNLTBF04], gracias",
            "(GARF) [GARF430516MVZMCT01]",
            "clave única [LOGM661206HJCSLR07]",
            "[DALF011224MDFFRGA0]",
            "CURP=[MILM080504MDFTSTA4]",
            "\"[LALL030521HJCZSDA2]\"",
            "[CERC090111MDFRMBA3]!",
        ],
    );
    assert_nothing(&[
        "RIFD571209MDFGML02",  // check digit
        "RIFD571309MDFGML01",  // month
        "RIFD570230MDFGML01",  // day
        "RIFD571209ADFGML01",  // sex
        "RIFD571209MZZGML01",  // state
        "RIFD571209MDFGML0",   // short
        "RIFD571209MDFGML011", // long
        "xRIFD571209MDFGML01",
        "RIFD571209MDFGML01_",
        "RIFD-571209-MDFGML-01",
        "RIFD571209",
        "RIFD571209ABC",
        "curp 123456789012345678",
        "curp ABCDEFGHIJKLMNOPQ1",
        "BXRD571209MDFGML01",
    ]);
    assert_checked("mx_curp", "curp", &["RIFD571209MDFGML01"], 10);
}
