package weir.peers;

import com.fasterxml.jackson.databind.JsonNode;
import com.google.i18n.phonenumbers.NumberParseException;
import com.google.i18n.phonenumbers.PhoneNumberUtil;
import com.google.i18n.phonenumbers.Phonenumber.PhoneNumber;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.commons.validator.routines.CreditCardValidator;
import org.apache.commons.validator.routines.IBANValidator;

/** Personal data: expressions for the form, libraries for whether it is one. */
final class Detectors {
    private static final Pattern CARD = Pattern.compile(
        "(?:4\\d|5[1-5]|6[045]|2[2-7])\\d{2}([ -]?)\\d{4}\\1\\d{4}\\1\\d{4}|3[47]\\d{2}([ -]?)\\d{6}\\2\\d{5}");
    private static final Pattern IBAN = Pattern.compile("[A-Z]{2}\\d{2}(?:[ -]?[A-Z0-9]){11,30}");
    private static final Pattern EMAIL = Pattern.compile(
        "[A-Za-z0-9_][A-Za-z0-9._%+'&-]{0,63}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\\.)+[A-Za-z]{2,63}");
    private static final Pattern PHONE = Pattern.compile("\\+[1-9](?:[ ().-]{0,2}\\d){6,14}");
    /** Digits that a text must have for the expression to be tried. */
    private static final int CARD_DIGITS = 15;
    private static final int IBAN_DIGITS = 4;
    private static final int PHONE_DIGITS = 7;
    private static final int SHORTEST_IBAN = 15;

    private static final Map<String, CreditCardValidator> SCHEMES = Map.of(
        "visa", new CreditCardValidator(CreditCardValidator.VISA),
        "mastercard", new CreditCardValidator(CreditCardValidator.MASTERCARD),
        "amex", new CreditCardValidator(CreditCardValidator.AMEX),
        "discover", new CreditCardValidator(CreditCardValidator.DISCOVER));

    private final PhoneNumberUtil phones = PhoneNumberUtil.getInstance();
    private final Finding.Rule card;
    private final Finding.Rule iban;
    private final Finding.Rule email;
    private final Finding.Rule phone;

    Detectors(JsonNode settings) {
        card = rule("card", "high", settings);
        iban = rule("iban", "medium", settings);
        email = rule("email", "medium", settings);
        phone = rule("phone", "medium", settings);
    }

    void scan(Text text, List<Finding> found) {
        String normal = text.normal;
        int digits = 0;
        boolean at = false;
        boolean plus = false;
        for (int index = 0; index < normal.length(); index++) {
            char c = normal.charAt(index);
            if (c >= '0' && c <= '9') {
                digits++;
            } else if (c == '@') {
                at = true;
            } else if (c == '+') {
                plus = true;
            }
        }
        if (digits >= CARD_DIGITS) {
            cards(text, found);
        }
        if (digits >= IBAN_DIGITS) {
            ibans(text, found);
        }
        if (at) {
            Matcher matcher = EMAIL.matcher(normal);
            while (matcher.find()) {
                found.add(text.finding(matcher.start(), matcher.end(), email, "email"));
            }
        }
        if (plus && digits >= PHONE_DIGITS) {
            phones(text, found);
        }
    }

    private void cards(Text text, List<Finding> found) {
        Matcher matcher = CARD.matcher(text.normal);
        while (matcher.find()) {
            if (!Rules.standsAlone(text.normal, matcher.start(), matcher.end())) {
                continue;
            }
            String digits = matcher.group().replace(" ", "").replace("-", "");
            for (Map.Entry<String, CreditCardValidator> scheme : SCHEMES.entrySet()) {
                if (scheme.getValue().isValid(digits)) {
                    found.add(text.finding(matcher.start(), matcher.end(), card, scheme.getKey()));
                    break;
                }
            }
        }
    }

    private void ibans(Text text, List<Finding> found) {
        Matcher matcher = IBAN.matcher(text.normal);
        while (matcher.find()) {
            int start = matcher.start();
            int end = matcher.end();
            // The next word may be in capitals, too.
            while (end - start >= SHORTEST_IBAN && !isIban(text.normal, start, end)) {
                end = Math.max(text.normal.lastIndexOf(' ', end - 1), text.normal.lastIndexOf('-', end - 1));
            }
            if (end - start >= SHORTEST_IBAN) {
                found.add(text.finding(start, end, iban, "iban"));
            }
        }
    }

    private static boolean isIban(String text, int start, int end) {
        return Rules.standsAlone(text, start, end)
            && IBANValidator.getInstance().isValid(text.substring(start, end).replace(" ", "").replace("-", ""));
    }

    private void phones(Text text, List<Finding> found) {
        Matcher matcher = PHONE.matcher(text.normal);
        while (matcher.find()) {
            try {
                PhoneNumber number = phones.parse(matcher.group(), null);
                if (phones.isValidNumber(number)) {
                    String region = phones.getRegionCodeForNumber(number);
                    String name = region == null ? "international" : region.toLowerCase(Locale.ROOT);
                    found.add(text.finding(matcher.start(), matcher.end(), phone, name));
                }
            } catch (NumberParseException ignored) {
                // No telephone number.
            }
        }
    }

    private static Finding.Rule rule(String name, String severity, JsonNode settings) {
        return new Finding.Rule(name, name, "pii", 0.95f, severity, Rules.action(settings.path(name)));
    }
}
