import { certificateBlocks, PUBLIC } from "../pem.ts";
import { certificatesIn, isAuthority, isSelfSigned, pathTo, readCertificate } from "./x509.ts";

/** Where the certificate that guests trust can come from. */
interface AuthoritySources {
  /** `trustee.certificateAuthority`: {@link PUBLIC}, or PEM. */
  readonly setting?: string | undefined;
  /** `ca.crt` of the certificate's Secret, PEM. */
  readonly secret?: string | undefined;
}

/** The first certificate that verifies what is served. A guest reads only one. */
export function anchorAmong(pem: string, served: string): string | undefined {
  const [leaf, ...others] = certificatesIn(served);
  return certificateBlocks(pem).find((block) => {
    const root = readCertificate(block);
    return root !== undefined && leaf !== undefined && pathTo(root, leaf, others) !== undefined;
  });
}

/** The self-signed certificates after the first: a root that is served with what it issued. */
function rootsIn(served: string): string {
  return certificateBlocks(served)
    .slice(1)
    .filter((block) => certificatesIn(block).some(isSelfSigned))
    .join("");
}

/**
 * The certificate for guests to trust. A self-signed certificate is trusted itself. Otherwise it is the CA's,
 * so that a renewal does not change the initdata.
 * @param served `tls.crt` of the certificate's Secret
 * @returns PEM; undefined: the guests use their own trust store
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
