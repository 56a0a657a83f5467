// Node's tls as one end of a mutual TLS connection. Arguments and answers as in tls_peer.py.
import { readFileSync } from "node:fs";
import tls from "node:tls";

const read = (path) => (path === "-" ? undefined : readFileSync(path, "utf8"));
// Of a file with several lists Node reads the first.
const lists = (path) => read(path)?.match(/-----BEGIN X509 CRL-----[^-]*-----END X509 CRL-----\n/g);
const options = (ca, chain, key, crls) => ({ ca: read(ca), cert: read(chain), key: read(key), crl: lists(crls) });

const refused = (error) => {
  console.error(`refused: ${error.message}`);
  process.exitCode = 1;
};

function serve(ca, chain, key, crls) {
  const identity = { ...options(ca, chain, key, crls), requestCert: true, rejectUnauthorized: true };
  const server = tls.createServer(identity, (peer) => {
    peer.on("error", (error) => console.error(`refused: ${error.message}`));
    peer.once("data", () => peer.end("pong\n"));
  });
  server.on("tlsClientError", (error) => console.error(`refused: ${error.message}`));
  server.listen(0, "127.0.0.1", () => console.log(`PORT ${server.address().port}`));
}

function connect(port, name, ca, chain, key, crls) {
  const peer = tls.connect({ ...options(ca, chain, key, crls), host: "127.0.0.1", port, servername: name }, () =>
    peer.write("ping\n"),
  );
  peer.setTimeout(10_000, () => peer.destroy(new Error("no answer")));
  peer.on("data", (data) => process.stdout.write(data));
  peer.on("error", refused);
}

const [command, ...rest] = process.argv.slice(2);
({ server: serve, client: connect })[command](...rest);
