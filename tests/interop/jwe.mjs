// jose's part of jwe.sh, with the commands of jwe.py. NODE_MODULES names the folder that jose is in.
//
// Exits with 1 when the library refuses.
import { createRequire } from "node:module";
import { generateKeyPairSync, webcrypto } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

// Node 18 has these behind a flag.
globalThis.crypto ??= webcrypto;
globalThis.CryptoKey ??= webcrypto.CryptoKey;

const modules = process.env.NODE_MODULES;
const manifest = createRequire(join(modules, "none.js"))("jose/package.json");
const entry = join(modules, "jose", manifest.exports["."].default ?? manifest.exports["."].import);
const jose = await import(pathToFileURL(entry).href);

const options = { keyManagementAlgorithms: ["RSA-OAEP-256"], contentEncryptionAlgorithms: ["A256GCM"] };

async function publicKey(path, alg) {
  const { kid, kty, n, e } = JSON.parse(readFileSync(path, "utf8"));
  return { kid, key: await jose.importJWK({ kty, n, e }, alg) };
}

async function encrypt(form, alg, plaintext, paths) {
  const keys = await Promise.all(paths.map((path) => publicKey(path, alg)));
  if (form === "compact") {
    return new jose.CompactEncrypt(plaintext)
      .setProtectedHeader({ alg, enc: "A256GCM", kid: keys[0].kid })
      .encrypt(keys[0].key);
  }
  const message = new jose.GeneralEncrypt(plaintext).setProtectedHeader({ enc: "A256GCM" });
  for (const { kid, key } of keys) message.addRecipient(key).setUnprotectedHeader({ alg, kid });
  return JSON.stringify(await message.encrypt());
}

async function decrypt(form, message, path) {
  const key = await jose.importPKCS8(readFileSync(path, "utf8"), "RSA-OAEP-256");
  const opened =
    form === "compact"
      ? await jose.compactDecrypt(message, key, options)
      : await jose.generalDecrypt(JSON.parse(message), key, options);
  return opened.plaintext;
}

async function main([library, command, ...rest]) {
  if (library !== "jose") throw new Error("usage: see jwe.py");
  if (command === "keygen") {
    const [bits, privatePath, publicPath] = rest;
    const pair = generateKeyPairSync("rsa", { modulusLength: Number(bits), publicExponent: 65537 });
    writeFileSync(privatePath, pair.privateKey.export({ type: "pkcs8", format: "pem" }), { mode: 0o600 });
    const jwk = pair.publicKey.export({ format: "jwk" });
    const kid = await jose.calculateJwkThumbprint(jwk);
    writeFileSync(publicPath, JSON.stringify({ ...jwk, kid, use: "enc", alg: "RSA-OAEP-256" }));
  } else if (command === "encrypt") {
    const [form, alg, plaintext, message, ...paths] = rest;
    writeFileSync(message, await encrypt(form, alg, readFileSync(plaintext), paths));
  } else if (command === "decrypt") {
    const [form, message, plaintext, path] = rest;
    writeFileSync(plaintext, await decrypt(form, readFileSync(message, "utf8"), path));
  } else if (command === "verify") {
    const [text, plaintext, path] = rest;
    const { key } = await publicKey(path, "RS256");
    const found = await jose.compactVerify(readFileSync(text, "utf8"), key, { algorithms: ["RS256"] });
    if (found.protectedHeader.typ !== "cryptokit-signed" || !found.protectedHeader.recipients.length) {
      throw new Error("not the signed header");
    }
    writeFileSync(plaintext, found.payload);
  } else {
    throw new Error("usage: see jwe.py");
  }
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  console.error(`${error.name}: ${error.message}`);
  process.exit(1);
}
