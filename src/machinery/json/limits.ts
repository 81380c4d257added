/**
 * Deepest nesting of JSON and YAML that is taken. Upstream takes 10,000; recursive code here would overflow the stack
 * long before. Real objects stay below 100.
 */
export const maxJsonDepth = 1_000;

/**
 * The same for what this server wrote itself: values that came through the limit above, a few levels further inside
 * (a raw value of a protobuf body, an object in a list or a table). Without the room, what was taken could not be read.
 */
export const maxOwnJsonDepth = maxJsonDepth + 100;

/** Most duplicate fields that are reported (as upstream: sigs.k8s.io/json keeps 100 strict errors). */
export const maxDuplicatesReported = 100;

/** Longest integer kept digit by digit: 20 covers int64 and uint64; a longer one becomes a double, as in Go. */
export const maxRawDigits = 20;
