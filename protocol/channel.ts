/** The size that Pulumi's own programs allow for one message, in bytes: large enough for any object of a cluster. */
const maxMessageBytes = 400 * 1024 * 1024;

/** For each channel and server of the protocol. All of them are on this machine, so a proxy is never right. */
export const channelOptions = {
  "grpc.max_receive_message_length": maxMessageBytes,
  "grpc.max_send_message_length": maxMessageBytes,
  "grpc.enable_http_proxy": 0,
} as const;
