/** A start that cannot be: bad settings, a taken port or folder. The message names the remedy. */
export class StartFault extends Error {
  override readonly name = "StartFault";
}
