import { execFile } from "node:child_process";
import { join } from "node:path";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { promisify } from "node:util";
import { motoVenv } from "../../../tools/moto.ts";

/** A certificate of a server whose name is "localhost", and no other. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

// The emulator's own environment has a library that makes certificates; Node reads them only.
const program = `
import datetime, json
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

def name(text): return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])
def pem(thing): return thing.public_bytes(serialization.Encoding.PEM).decode()
now = datetime.datetime.now(datetime.timezone.utc)
def issue(subject, key, issuer, issuer_key, extension):
    builder = x509.CertificateBuilder().subject_name(name(subject)).issuer_name(name(issuer))
    builder = builder.public_key(key.public_key()).serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=1))
    return builder.add_extension(extension, False).sign(issuer_key, hashes.SHA256())
ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
ca = issue("Spillway test", ca_key, "Spillway test", ca_key, x509.BasicConstraints(True, None))
cert = issue("localhost", key, "Spillway test", ca_key, x509.SubjectAlternativeName([x509.DNSName("localhost")]))
pkcs8 = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
print(json.dumps({"ca": pem(ca), "cert": pem(cert), "key": key.private_bytes(*pkcs8).decode()}))
`;

let made: Promise<Certificate> | undefined;

/** Of an authority that this process trusts from now on, as NODE_EXTRA_CA_CERTS would do. */
export function trustedCertificate(): Promise<Certificate> {
  made ??= make();
  return made;
}

async function make(): Promise<Certificate> {
  const python = join(await motoVenv(), "python");
  const { stdout } = await promisify(execFile)(python, ["-c", program]);
  const { ca, ...certificate } = JSON.parse(stdout) as Certificate & { readonly ca: string };
  setDefaultCACertificates([...getCACertificates(), ca]);
  return certificate;
}
