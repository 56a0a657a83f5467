//! How somebody logged in, as tokens say it.

/// What was proved at a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginMethods {
    /// The password.
    Password,
    /// The password and a code of an authenticator app, or a recovery code in its stead.
    PasswordAndOtp,
}

impl LoginMethods {
    /// The `amr` of tokens: names of RFC 8176 §2. A recovery code is a one-time password too.
    pub fn amr(self) -> Vec<String> {
        let names: &[&str] = match self {
            Self::Password => &["pwd"],
            Self::PasswordAndOtp => &["pwd", "otp"],
        };
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    /// The `acr` of tokens: a name of our own, since a level of somebody's framework would claim what only whoever runs
    /// the service can promise.
    pub const fn acr(self) -> &'static str {
        match self {
            Self::Password => "urn:authsvc:acr:1fa",
            Self::PasswordAndOtp => "urn:authsvc:acr:2fa",
        }
    }

    /// Reads what [`amr`](Self::amr) wrote. Whatever is not understood proves nothing more than a password.
    pub fn from_amr(amr: &[String]) -> Self {
        if amr.iter().any(|name| name == "otp") {
            Self::PasswordAndOtp
        } else {
            Self::Password
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_are_read_back() {
        for methods in [LoginMethods::Password, LoginMethods::PasswordAndOtp] {
            assert_eq!(LoginMethods::from_amr(&methods.amr()), methods);
        }
        assert_eq!(LoginMethods::from_amr(&[]), LoginMethods::Password);
        assert_eq!(LoginMethods::from_amr(&["OTP".to_owned()]), LoginMethods::Password);
    }
}
