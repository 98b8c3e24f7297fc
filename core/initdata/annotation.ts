import { gzip, ungzip } from "pako";

/** The annotation that carries the initdata to the Kata runtime. */
export const INITDATA_ANNOTATION = "io.katacontainers.config.hypervisor.cc_init_data";

/** The annotation that asks for an instance size, e.g. on Azure. */
export const MACHINE_TYPE_ANNOTATION = "io.katacontainers.config.hypervisor.machine_type";

/**
 * The annotation's value: base64 of gzip of the TOML. pako writes a gzip header without a time and with a fixed
 * system byte, so the same TOML gives the same annotation on every machine; the digest never sees the gzip bytes.
 */
export function encodeAnnotation(toml: string): string {
  return Buffer.from(gzip(toml, { level: 9 })).toString("base64");
}

/**
 * The exact bytes of the TOML in an annotation.
 * @throws Error if the value is not base64 of gzip; the message says which of the two.
 */
export function decodeAnnotation(value: string): Uint8Array<ArrayBuffer> {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(value))
    throw new Error(`the annotation ${INITDATA_ANNOTATION} is not base64`);
  try {
    return new Uint8Array(ungzip(Buffer.from(value, "base64")));
  } catch {
    throw new Error(`the annotation ${INITDATA_ANNOTATION} is base64, but of no gzip data`);
  }
}
