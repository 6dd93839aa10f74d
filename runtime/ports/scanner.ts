export type ScanResult =
  | { readonly clean: true }
  | { readonly clean: false; readonly signature: string };

/** Looks for malware. */
export interface Scanner {
  /** @throws `unavailable` where the scanner cannot be asked, `too-large` over its stream limit */
  scan(content: Uint8Array): Promise<ScanResult>;
}
