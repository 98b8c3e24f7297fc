import { credentials, Metadata } from "@grpc/grpc-js";
import enginerpc from "@pulumi/pulumi/proto/engine_grpc_pb.js";
import enginepb from "@pulumi/pulumi/proto/engine_pb.js";

/** The size that Pulumi's own programs allow for one message, in bytes: large enough for any object of a cluster. */
const maxMessageBytes = 400 * 1024 * 1024;

/** For each channel and server of the protocol. All of them are on this machine, so a proxy is never right. */
export const channelOptions = {
  "grpc.max_receive_message_length": maxMessageBytes,
  "grpc.max_send_message_length": maxMessageBytes,
  "grpc.enable_http_proxy": 0,
} as const;

type Severity = enginepb.LogSeverity;

/** Where messages about one resource go; with no urn they are about the whole update. */
export interface Log {
  debug(message: string): void;
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
  /** What the resource is waiting for right now: shown beside it while it is worked on, then gone. */
  status(message: string): void;
}

/** No log line is worth waiting longer for an engine that does not answer, in milliseconds. */
const logDeadline = 5_000;

/**
 * The engine's log. Messages go out in order; {@link flush} waits for them, so that what is said of an operation
 * arrives before its result. An engine that is gone or does not answer is no error.
 */
export class EngineLog {
  #client: enginerpc.EngineClient | undefined;
  #sent: Promise<void> = Promise.resolve();

  /** Sends to the engine at an address (host:port) from now on. */
  connect(address: string): void {
    this.#client?.close();
    this.#client = new enginerpc.EngineClient(address, credentials.createInsecure(), channelOptions);
  }

  /** The client of the engine, if its address is known. */
  get client(): enginerpc.EngineClient | undefined {
    return this.#client;
  }

  of(urn: string): Log {
    const at = (severity: Severity, ephemeral: boolean) => (message: string) => {
      this.#send(severity, urn, message, ephemeral);
    };
    return {
      debug: at(enginepb.LogSeverity.DEBUG, false),
      info: at(enginepb.LogSeverity.INFO, false),
      warn: at(enginepb.LogSeverity.WARNING, false),
      error: at(enginepb.LogSeverity.ERROR, false),
      status: at(enginepb.LogSeverity.INFO, true),
    };
  }

  async flush(): Promise<void> {
    await this.#sent;
  }

  close(): void {
    this.#client?.close();
    this.#client = undefined;
  }

  #send(severity: Severity, urn: string, message: string, ephemeral: boolean): void {
    const client = this.#client;
    if (client === undefined) return;
    const request = new enginepb.LogRequest();
    request.setSeverity(severity);
    request.setUrn(urn);
    request.setMessage(message);
    request.setEphemeral(ephemeral);
    this.#sent = this.#sent.then(
      () =>
        new Promise<void>((resolve) => {
          client.log(request, new Metadata(), { deadline: Date.now() + logDeadline }, () => {
            resolve();
          });
        }),
    );
  }
}
