//! Every lint: what it is called, how bad it is, by which section, and what is wrong. Data only.

use super::Severity::{Error, Notice, Warning};
use super::{Lint, Severity};

/// Each line gives a static of that name, and all of them are in [`LINTS`].
macro_rules! lints {
    ($($name:ident $id:literal $severity:ident $section:literal $what:literal)*) => {
        $(pub(super) static $name: Lint = Lint {
            id: $id,
            severity: $severity,
            section: $section,
            what: $what,
        };)*

        /// Every lint.
        pub static LINTS: &[&Lint] = &[$(&$name),*];
    };
}

lints! {
    // What all kinds of documents share.
    MALFORMED "malformed" Error "RFC 5280 §4.1" "it does not have the structure of its kind; nothing else was looked at"
    TRAILING_DATA "trailing_data" Error "RFC 5280 §4.1" "bytes follow the document"
    NOT_DER "not_der" Error "X.690 §10, §11" "it is not in the distinguished encoding"
    SIGNATURE_ALGORITHM_MISMATCH "signature_algorithm_mismatch" Error "RFC 5280 §4.1.1.2" "the signature algorithms inside and outside the signed part differ"
    WEAK_SIGNATURE "weak_signature" Error "CA/Browser Forum BR §7.1.3.2" "it is signed over SHA-1 or MD5"
    SIGNATURE_PARAMETERS "signature_parameters" Error "RFC 4055 §5, RFC 5758 §3.2" "the signature algorithm does not have the parameters of its standard"
    TIME_FORM "time_form" Error "RFC 5280 §4.1.2.5" "a time before 2050 is no UTCTime, or a later one no GeneralizedTime"
    TIME_MALFORMED "time_malformed" Error "RFC 5280 §4.1.2.5.1, §4.1.2.5.2" "a time is not in UTC with seconds and without fractions"
    EXTENSION_DUPLICATE "extension_duplicate" Error "RFC 5280 §4.2" "an extension occurs twice"
    EXTENSION_MALFORMED "extension_malformed" Error "RFC 5280 §4.2" "the value of an extension is not what its section says"
    CRITICAL_UNKNOWN "critical_unknown" Warning "RFC 5280 §4.2" "a critical extension is not of RFC 5280; who does not know it refuses"
    ISSUER_EMPTY "issuer_empty" Error "RFC 5280 §4.1.2.4" "the issuer has no name"

    // Fields of certificates.
    VERSION_NOT_3 "version_not_3" Error "RFC 5280 §4.1.2.1" "it is not of version 3, so no extension can say what it is for"
    SERIAL_NOT_POSITIVE "serial_not_positive" Error "RFC 5280 §4.1.2.2" "the serial number is zero or negative"
    SERIAL_TOO_LONG "serial_too_long" Error "RFC 5280 §4.1.2.2" "the serial number has more than 20 octets"
    SERIAL_SHORT "serial_short" Warning "CA/Browser Forum BR §7.1" "the serial number cannot hold 64 random bits"
    VALIDITY_REVERSED "validity_reversed" Error "RFC 5280 §4.1.2.5" "it ends before it begins"
    VALIDITY_LONG "validity_long" Notice "Apple HT210176" "it is valid for more than 825 days, which Apple's systems refuse of a server"
    SUBJECT_EMPTY "subject_empty" Error "RFC 5280 §4.1.2.6" "an authority has no name"
    UNIQUE_IDENTIFIER "unique_identifier" Error "RFC 5280 §4.1.2.8" "it has unique identifiers, which conforming authorities do not write"

    // Keys.
    KEY_MALFORMED "key_malformed" Error "RFC 5280 §4.1.2.7" "the public key is not one of its algorithm"
    RSA_SHORT "rsa_short" Error "NIST SP 800-131A §3" "the RSA modulus has fewer than 2048 bits"
    RSA_EXPONENT "rsa_exponent" Warning "CA/Browser Forum BR §6.1.6" "the RSA exponent is not 65537"
    EC_PARAMETERS "ec_parameters" Error "RFC 5480 §2.1.1" "the curve is not named, but described"
    DSA_KEY "dsa_key" Warning "FIPS 186-5" "DSA is withdrawn"
    KEY_UNUSUAL "key_unusual" Notice "cryptokit" "the key is none of P-256, P-384, Ed25519 and RSA of 2048 to 8192 bits; certgen verify refuses it"

    // Names.
    DN_MALFORMED "dn_malformed" Error "RFC 5280 §4.1.2.4" "a distinguished name is not readable"
    DN_STRING_TYPE "dn_string_type" Warning "RFC 5280 §4.1.2.4" "an attribute of a name is in an old string type"
    DN_PRINTABLE "dn_printable" Error "X.680 §41.4" "a PrintableString has characters that it may not have"
    DN_CONTROL "dn_control" Error "RFC 5280 §7.1" "an attribute of a name has control characters"
    DN_EMPTY_VALUE "dn_empty_value" Error "RFC 5280 §A.1" "an attribute of a name is empty"
    DN_TOO_LONG "dn_too_long" Error "RFC 5280 §A.1" "an attribute of a name is longer than its bound"
    COUNTRY_FORM "country_form" Error "RFC 5280 §A.1" "the country is not a PrintableString of two capital letters"
    COMMON_NAME_SEVERAL "common_name_several" Warning "CA/Browser Forum BR §7.1.4.2" "the subject has several common names"
    COMMON_NAME_NOT_IN_SAN "common_name_not_in_san" Warning "RFC 9525 §2" "a server's common name is not among its names, and nobody looks at it"
    SAN_MISSING "san_missing" Error "RFC 9525 §2" "a leaf has no subjectAltName, and so is for no name at all"
    SAN_NOT_CRITICAL "san_not_critical" Error "RFC 5280 §4.2.1.6" "the subject is empty and the subjectAltName is not critical"
    SAN_CRITICAL "san_critical" Warning "RFC 5280 §4.2.1.6" "the subjectAltName is critical although there is a subject"
    SAN_DUPLICATE "san_duplicate" Notice "RFC 5280 §4.2.1.6" "a name occurs twice"
    NAME_NOT_ASCII "name_not_ascii" Error "RFC 5280 §4.2.1.6" "a name of type IA5String is not ASCII"
    DNS_NAME_MALFORMED "dns_name_malformed" Error "RFC 5280 §4.2.1.6" "a DNS name is not in the preferred syntax of RFC 1034"
    DNS_NAME_UNDERSCORE "dns_name_underscore" Error "RFC 1034 §3.5" "a DNS name has an underscore, which no host name has"
    DNS_NAME_IS_ADDRESS "dns_name_is_address" Error "RFC 9525 §6.4" "an IP address is written as a DNS name, and matches none"
    DNS_WILDCARD "dns_wildcard" Error "RFC 9525 §6.3" "a wildcard is not the whole first label of a name of three or more"
    URI_MALFORMED "uri_malformed" Error "RFC 5280 §4.2.1.6" "a URI has no scheme, or nothing after it"
    EMAIL_MALFORMED "email_malformed" Error "RFC 5280 §4.2.1.6" "an e-mail address is not local@host"
    IP_ADDRESS_LENGTH "ip_address_length" Error "RFC 5280 §4.2.1.6" "an IP address has neither 4 nor 16 octets"

    // Extensions of certificates.
    DEFAULT_ENCODED "default_encoded" Error "X.690 §11.5" "FALSE is written where it is left out"
    CA_NOT_CRITICAL "ca_not_critical" Error "RFC 5280 §4.2.1.9" "an authority's basicConstraints are not critical"
    PATH_LENGTH_WITHOUT_CA "path_length_without_ca" Error "RFC 5280 §4.2.1.9" "a path length is given and cA is not TRUE"
    PATH_LENGTH_WITHOUT_CERT_SIGN "path_length_without_cert_sign" Error "RFC 5280 §4.2.1.9" "a path length is given and the key may not sign certificates"
    CERT_SIGN_WITHOUT_CA "cert_sign_without_ca" Error "RFC 5280 §4.2.1.3" "the key may sign certificates and cA is not TRUE"
    CA_WITHOUT_KEY_USAGE "ca_without_key_usage" Error "RFC 5280 §4.2.1.3" "an authority has no keyUsage; OpenSSL with -x509_strict and Python 3.13 refuse it"
    CA_WITHOUT_CERT_SIGN "ca_without_cert_sign" Error "RFC 5280 §4.2.1.3" "an authority's key may not sign certificates"
    KEY_USAGE_NOT_CRITICAL "key_usage_not_critical" Warning "RFC 5280 §4.2.1.3" "the keyUsage is not critical"
    KEY_USAGE_EMPTY "key_usage_empty" Error "RFC 5280 §4.2.1.3" "the keyUsage allows nothing"
    LEAF_WITHOUT_KEY_USAGE "leaf_without_key_usage" Warning "RFC 5280 §4.2.1.3" "a leaf has no keyUsage, and its key may be used for anything"
    LEAF_WITHOUT_DIGITAL_SIGNATURE "leaf_without_digital_signature" Warning "RFC 8446 §4.4.2.2" "a leaf may not sign, which TLS 1.3 needs"
    EC_KEY_USAGE "ec_key_usage" Error "RFC 8813 §3" "an EC key is said to encipher keys or data, which it cannot"
    EDDSA_KEY_USAGE "eddsa_key_usage" Error "RFC 9295 §3" "an EdDSA key is said to do more than sign"
    RSA_KEY_AGREEMENT "rsa_key_agreement" Error "RFC 3279 §2.3.1" "an RSA key is said to agree on keys, which it cannot"
    EKU_MISSING "eku_missing" Warning "RFC 5280 §4.2.1.12" "a leaf has no extended key usage, and is for anything"
    EKU_ANY "eku_any" Warning "RFC 5280 §4.2.1.12" "anyExtendedKeyUsage undoes every other purpose beside it"
    EKU_ON_ROOT "eku_on_root" Notice "CA/Browser Forum BR §7.1.2.1" "a root has an extended key usage; verifiers differ on what it means"
    CA_WITHOUT_SKI "ca_without_ski" Error "RFC 5280 §4.2.1.2" "an authority has no subjectKeyIdentifier"
    LEAF_WITHOUT_SKI "leaf_without_ski" Warning "RFC 5280 §4.2.1.2" "a leaf has no subjectKeyIdentifier"
    SKI_CRITICAL "ski_critical" Error "RFC 5280 §4.2.1.2" "the subjectKeyIdentifier is critical"
    SKI_METHOD "ski_method" Notice "RFC 5280 §4.2.1.2, RFC 7093 §2" "the subjectKeyIdentifier is made in no published way"
    AKI_MISSING "aki_missing" Error "RFC 5280 §4.2.1.1" "there is no authorityKeyIdentifier with a key identifier"
    AKI_CRITICAL "aki_critical" Error "RFC 5280 §4.2.1.1" "the authorityKeyIdentifier is critical"
    AKI_ISSUER_SERIAL "aki_issuer_serial" Notice "CA/Browser Forum BR §7.1.2.11.1" "the authorityKeyIdentifier names issuer and serial number, which ties it to one certificate of the authority"
    NAME_CONSTRAINTS_NOT_CRITICAL "name_constraints_not_critical" Error "RFC 5280 §4.2.1.10" "the nameConstraints are not critical"
    NAME_CONSTRAINTS_ON_LEAF "name_constraints_on_leaf" Error "RFC 5280 §4.2.1.10" "nameConstraints on what is no authority"
    NAME_CONSTRAINTS_BOUNDS "name_constraints_bounds" Error "RFC 5280 §4.2.1.10" "a subtree has a minimum or a maximum"
    NAME_CONSTRAINTS_DOT "name_constraints_dot" Warning "RFC 5280 §4.2.1.10" "a DNS subtree begins with a dot, which verifiers read in two ways"
    NAME_CONSTRAINTS_ADDRESS "name_constraints_address" Error "RFC 5280 §4.2.1.10" "an address subtree is not an address and a mask of leading ones"
    AIA_CRITICAL "aia_critical" Error "RFC 5280 §4.2.2.1" "the authorityInfoAccess is critical"
    NO_REV_AVAIL "no_rev_avail" Error "RFC 9608 §2" "noRevAvail is critical, on an authority, or beside a place to ask"

    // X509-SVID.
    SPIFFE_SEVERAL_URIS "spiffe_several_uris" Error "X509-SVID §2" "a SPIFFE id is not the only URI"
    SPIFFE_ID_MALFORMED "spiffe_id_malformed" Error "SPIFFE-ID §2" "the SPIFFE id is not spiffe://trust-domain/path"
    SPIFFE_LEAF_WITHOUT_PATH "spiffe_leaf_without_path" Error "X509-SVID §5.2" "the SPIFFE id of a leaf has no path"
    SPIFFE_AUTHORITY_WITH_PATH "spiffe_authority_with_path" Error "X509-SVID §3.2" "the SPIFFE id of an authority has a path"
    SPIFFE_KEY_USAGE "spiffe_key_usage" Error "X509-SVID §4.3" "a leaf with a SPIFFE id has no critical keyUsage with digitalSignature and without keyCertSign and cRLSign"
    SPIFFE_EKU "spiffe_eku" Warning "X509-SVID §4.4" "the extended key usage of a leaf with a SPIFFE id has not both serverAuth and clientAuth"

    // A document beside its issuer.
    AKI_NOT_ISSUER_SKI "aki_not_issuer_ski" Error "RFC 5280 §4.2.1.1" "the authorityKeyIdentifier is not the issuer's subjectKeyIdentifier"
    ISSUER_NOT_CA "issuer_not_ca" Error "RFC 5280 §4.2.1.9" "the issuer is not an authority"
    OUTLIVES_ISSUER "outlives_issuer" Warning "RFC 5280 §6.1.3 (a)(2)" "it is valid for longer than its issuer"
    ISSUER_WITHOUT_CRL_SIGN "issuer_without_crl_sign" Error "RFC 5280 §4.2.1.3" "the issuer's key may not sign revocation lists"

    // Revocation lists.
    CRL_VERSION "crl_version" Error "RFC 5280 §5.1.2.1" "it is not of version 2"
    CRL_NEXT_UPDATE "crl_next_update" Error "RFC 5280 §5.1.2.5" "it does not say when the next one comes, or before it was made"
    CRL_LONG "crl_long" Notice "CA/Browser Forum BR §4.9.7" "more than 12 months pass until the next one"
    CRL_NUMBER_MISSING "crl_number_missing" Error "RFC 5280 §5.2.3" "it has no number"
    CRL_NUMBER_FORM "crl_number_form" Error "RFC 5280 §5.2.3" "the number is critical, negative, or longer than 20 octets"
    CRL_EMPTY_LIST "crl_empty_list" Error "RFC 5280 §5.1.2.6" "the list of what is revoked is empty instead of left out"
    CRL_DUPLICATE_ENTRY "crl_duplicate_entry" Error "RFC 5280 §5.1.2.6" "a serial number is on it twice"
    CRL_ENTRY_FUTURE "crl_entry_future" Warning "RFC 5280 §5.1.2.6" "a revocation is dated after the list"
    CRL_REASON_UNSPECIFIED "crl_reason_unspecified" Warning "RFC 5280 §5.3.1" "the reason unspecified is written instead of left out"
    CRL_REASON_UNKNOWN "crl_reason_unknown" Error "RFC 5280 §5.3.1" "a reason is none of the standard's"
    CRL_REMOVE_IN_BASE "crl_remove_in_base" Error "RFC 5280 §5.3.1" "removeFromCRL is on a list that is no delta"
    CRL_REASON_CRITICAL "crl_reason_critical" Error "RFC 5280 §5.3.1" "a reason is critical"
    CRL_SCOPE_NOT_CRITICAL "crl_scope_not_critical" Error "RFC 5280 §5.2.4, §5.2.5" "a delta indicator or issuingDistributionPoint is not critical"

    // Requests.
    CSR_VERSION "csr_version" Error "RFC 2986 §4.1" "its version is not 0"
    CSR_WITHOUT_NAMES "csr_without_names" Warning "RFC 9525 §2" "it asks for no subjectAltName"
    CSR_ASKS_FOR_CA "csr_asks_for_ca" Warning "RFC 5280 §4.2.1.9" "it asks to be an authority"
    CSR_CHALLENGE_PASSWORD "csr_challenge_password" Warning "RFC 2985 §5.4.1" "it holds a challenge password, readable by everybody who sees it"
}

impl Severity {
    /// From worst.
    pub const ALL: [Self; 3] = [Error, Warning, Notice];
}
