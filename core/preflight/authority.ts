import { certificateBlocks, PUBLIC } from "../pem.ts";
import { certificatesIn, isAuthority, isSelfSigned, pathTo, readCertificate } from "./x509.ts";

/** Where the certificate that guests trust may come from. */
interface AuthoritySources {
  /** `trustee.certificateAuthority`: {@link PUBLIC}, or PEM. */
  readonly setting?: string | undefined;
  /** `ca.crt` of the certificate's Secret, PEM. */
  readonly secret?: string | undefined;
}

/** The first of the certificates by which what is served can be verified: a guest looks at one alone. */
export function anchorAmong(pem: string, served: string): string | undefined {
  const [leaf, ...others] = certificatesIn(served);
  return certificateBlocks(pem).find((block) => {
    const root = readCertificate(block);
    return root !== undefined && leaf !== undefined && pathTo(root, leaf, others) !== undefined;
  });
}

/** The self-signed certificates behind the first: a root that is served with what it issued. */
function rootsIn(served: string): string {
  return certificateBlocks(served)
    .slice(1)
    .filter((block) => certificatesIn(block).some(isSelfSigned))
    .join("");
}

/**
 * What guests are to trust. A self-signed certificate vouches for itself, and stays as it is; of one that a CA issued it is the CA's, so
 * that the initdata stays what it is when the certificate is renewed.
 * @param served `tls.crt` of the certificate's Secret
 * @returns PEM; undefined: the guests' own trust store decides
 */
export function trustedCertificate(
  served: string,
  { setting, secret = "" }: AuthoritySources,
): string | undefined {
  if (setting === PUBLIC) return undefined;
  if (setting !== undefined) return anchorAmong(setting, served) ?? certificateBlocks(setting)[0];
  const [leaf] = certificatesIn(served);
  if (leaf === undefined || isSelfSigned(leaf) || isAuthority(leaf)) return served;
  return anchorAmong(secret, served) ?? anchorAmong(rootsIn(served), served) ?? served;
}
