// Java as a judge: its CertPathValidator, and JSSE as one end of a mutual TLS connection.
//
//   TlsPeer server|client ...           arguments and answers as in tls_peer.py
//   TlsPeer validate CA CHAIN CRLS      CertPathValidator "PKIX" over a chain, leaf first

import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.CertPath;
import java.security.cert.CertPathBuilder;
import java.security.cert.CertPathValidator;
import java.security.cert.CertPathValidatorException;
import java.security.cert.CertStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.cert.CollectionCertStoreParameters;
import java.security.cert.PKIXBuilderParameters;
import java.security.cert.PKIXParameters;
import java.security.cert.PKIXReason;
import java.security.cert.TrustAnchor;
import java.security.cert.X509CertSelector;
import java.security.cert.X509Certificate;
import java.security.spec.InvalidKeySpecException;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import javax.net.ssl.CertPathTrustManagerParameters;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;

public final class TlsPeer {
    public static void main(String[] arguments) throws Exception {
        try {
            switch (arguments[0]) {
                case "server" -> serve(context(arguments[1], arguments[2], arguments[3], arguments[4]));
                case "client" -> connect(Integer.parseInt(arguments[1]), arguments[2],
                        context(arguments[3], arguments[4], arguments[5], arguments[6]));
                case "validate" -> validate(arguments[1], arguments[2], arguments[3]);
                default -> throw new IllegalArgumentException(arguments[0]);
            }
        } catch (IOException | GeneralSecurityException error) {
            System.err.println("refused: " + error);
            System.exit(1);
        }
    }

    private static void validate(String ca, String chain, String crls) throws Exception {
        List<Certificate> certificates = certificates(chain);
        X509CertSelector leaf = new X509CertSelector();
        leaf.setCertificate((X509Certificate) certificates.get(0));
        PKIXBuilderParameters parameters = new PKIXBuilderParameters(anchors(ca), leaf);
        parameters.addCertStore(CertStore.getInstance("Collection", new CollectionCertStoreParameters(certificates)));
        withLists(parameters, crls);
        CertPathValidator validator = CertPathValidator.getInstance("PKIX");
        try {
            validator.validate(CertificateFactory.getInstance("X.509").generateCertPath(certificates), parameters);
        } catch (CertPathValidatorException error) {
            // It takes a path as it is given. While a root is exchanged a chain has one certificate more than a path.
            if (error.getReason() != PKIXReason.NO_TRUST_ANCHOR) {
                throw error;
            }
            CertPath path = CertPathBuilder.getInstance("PKIX").build(parameters).getCertPath();
            validator.validate(path, parameters);
        }
    }

    private static void serve(SSLContext context) throws Exception {
        SSLServerSocket listener = (SSLServerSocket) context.getServerSocketFactory()
                .createServerSocket(0, 50, InetAddress.getLoopbackAddress());
        listener.setNeedClientAuth(true);
        System.out.println("PORT " + listener.getLocalPort());
        while (true) {
            try (SSLSocket peer = (SSLSocket) listener.accept()) {
                peer.setSoTimeout(10_000);
                line(peer);
                peer.getOutputStream().write("pong\n".getBytes(StandardCharsets.US_ASCII));
            } catch (IOException error) {
                System.err.println("refused: " + error);
            }
        }
    }

    private static void connect(int port, String name, SSLContext context) throws Exception {
        try (Socket plain = new Socket(InetAddress.getLoopbackAddress(), port);
                SSLSocket peer = (SSLSocket) context.getSocketFactory().createSocket(plain, name, port, true)) {
            plain.setSoTimeout(10_000);
            SSLParameters parameters = peer.getSSLParameters();
            parameters.setEndpointIdentificationAlgorithm("HTTPS");
            peer.setSSLParameters(parameters);
            peer.getOutputStream().write("ping\n".getBytes(StandardCharsets.US_ASCII));
            System.out.println(line(peer));
        }
    }

    private static String line(SSLSocket peer) throws IOException {
        return new BufferedReader(new InputStreamReader(peer.getInputStream(), StandardCharsets.US_ASCII)).readLine();
    }

    private static SSLContext context(String ca, String chain, String key, String crls) throws Exception {
        PKIXBuilderParameters parameters = new PKIXBuilderParameters(anchors(ca), new X509CertSelector());
        withLists(parameters, crls);
        TrustManagerFactory trust = TrustManagerFactory.getInstance("PKIX");
        trust.init(new CertPathTrustManagerParameters(parameters));
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(chain.equals("-") ? null : identity(chain, key), trust.getTrustManagers(), null);
        return context;
    }

    private static KeyManager[] identity(String chain, String key) throws Exception {
        char[] password = "in memory only".toCharArray();
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        store.setKeyEntry("identity", privateKey(key), password, certificates(chain).toArray(new Certificate[0]));
        KeyManagerFactory keys = KeyManagerFactory.getInstance("PKIX");
        keys.init(store, password);
        return keys.getKeyManagers();
    }

    private static PrivateKey privateKey(String path) throws Exception {
        String pem = Files.readString(Path.of(path)).replaceAll("-----[A-Z ]+-----|\\s", "");
        PKCS8EncodedKeySpec pkcs8 = new PKCS8EncodedKeySpec(Base64.getDecoder().decode(pem));
        for (String algorithm : List.of("EC", "RSA", "EdDSA")) {
            try {
                return KeyFactory.getInstance(algorithm).generatePrivate(pkcs8);
            } catch (InvalidKeySpecException another) {
                continue;
            }
        }
        throw new InvalidKeySpecException(path);
    }

    private static void withLists(PKIXParameters parameters, String crls) throws Exception {
        parameters.setRevocationEnabled(!crls.equals("-"));
        if (!crls.equals("-")) {
            Collection<?> lists = CertificateFactory.getInstance("X.509").generateCRLs(new FileInputStream(crls));
            parameters.addCertStore(CertStore.getInstance("Collection", new CollectionCertStoreParameters(lists)));
        }
    }

    private static Set<TrustAnchor> anchors(String ca) throws Exception {
        Set<TrustAnchor> anchors = new HashSet<>();
        for (Certificate certificate : certificates(ca)) {
            anchors.add(new TrustAnchor((X509Certificate) certificate, null));
        }
        return anchors;
    }

    private static List<Certificate> certificates(String path) throws Exception {
        byte[] pem = Files.readAllBytes(Path.of(path));
        return new ArrayList<>(CertificateFactory.getInstance("X.509").generateCertificates(new ByteArrayInputStream(pem)));
    }
}
