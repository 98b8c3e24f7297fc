import { gzip, Inflate } from "pako";

/** The annotation with the initdata for the Kata runtime. */
export const INITDATA_ANNOTATION = "io.katacontainers.config.hypervisor.cc_init_data";

/** The annotation that requests an instance size, for example on Azure. */
export const MACHINE_TYPE_ANNOTATION = "io.katacontainers.config.hypervisor.machine_type";

/**
 * The annotation's value: base64 of the gzipped TOML. pako writes no time and a fixed system byte into the
 * header, so the same TOML gives the same annotation everywhere. The digest does not depend on the gzip
 * bytes.
 */
export function encodeAnnotation(toml: string): string {
  return Buffer.from(gzip(toml, { level: 9 })).toString("base64");
}

/** Maximum size of a document in bytes. Real ones have a few KiB. */
const LONGEST_INITDATA = 1024 * 1024;

class TooLong extends Error {}

/** Stops as soon as the output is too long: 256 KiB of annotation may inflate to hundreds of MiB. */
function inflated(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  const inflate = new Inflate({ chunkSize: 64 * 1024 });
  inflate.onData = (chunk) => {
    length += chunk.length;
    if (length > LONGEST_INITDATA) throw new TooLong();
    chunks.push(Buffer.from(chunk));
  };
  inflate.push(bytes, true);
  if (inflate.err !== 0) throw new Error(inflate.msg);
  return new Uint8Array(Buffer.concat(chunks));
}

/**
 * The exact bytes of the TOML in an annotation. Ignores line breaks, as Kata's Go runtime does.
 * @see https://github.com/kata-containers/kata-containers/blob/main/src/runtime/pkg/oci/utils.go
 *   (`addHypervisorInitdataOverrides`)
 * @throws Error if the value is not base64 of gzip, or longer than {@link LONGEST_INITDATA}
 */
export function decodeAnnotation(value: string): Uint8Array<ArrayBuffer> {
  const base64 = value.replaceAll(/[\r\n]/g, "");
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(base64))
    throw new Error(`the annotation ${INITDATA_ANNOTATION} is not base64`);
  try {
    return inflated(Buffer.from(base64, "base64"));
  } catch (error) {
    const problem =
      error instanceof TooLong
        ? `a document of more than ${LONGEST_INITDATA / 1024} KiB, which no guest accepts`
        : "no gzip data";
    throw new Error(`the annotation ${INITDATA_ANNOTATION} is base64, but of ${problem}`, { cause: error });
  }
}
