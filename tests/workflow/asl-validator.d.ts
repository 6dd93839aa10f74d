/** The package brings no types. */
declare module "asl-validator" {
  export default function aslValidator(definition: unknown): {
    readonly isValid: boolean;
    errorsText(separator?: string): string;
  };
}
