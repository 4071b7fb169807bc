import tseslint from "typescript-eslint";

/** The numbers of docs/architecture.md: small files, small functions, no floating promises, no any. */
export default tseslint.config(
  { ignores: ["dist/", "coverage/", "src/grpc/generated/"] },
  {
    files: ["**/*.ts"],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: `${import.meta.dirname}/..` } },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      complexity: ["error", 10],
      "max-depth": ["error", 3],
      "max-params": ["error", 4],
      "max-lines-per-function": ["error", { max: 50, skipComments: true, skipBlankLines: true }],
      "max-lines": ["error", { max: 250 }],
      "no-console": "error",
      "no-restricted-syntax": [
        "error",
        {
          selector: "MemberExpression[object.name='process'][property.name='env']",
          message: "process.env belongs to main.ts and commands/",
        },
        { selector: "ExportDefaultDeclaration", message: "name what you export" },
      ],
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/explicit-module-boundary-types": "error",
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "@typescript-eslint/switch-exhaustiveness-check": "error",
      // There are no classes here: what has methods is an object of closures, and `this` is never used.
      "@typescript-eslint/unbound-method": "off",
    },
  },
  {
    files: ["src/main.ts", "src/commands/**", "src/emulator/main.ts", "src/demo/**", "scripts/**", "test/**"],
    rules: { "no-console": "off", "no-restricted-syntax": "off" },
  },
  {
    files: ["test/**"],
    rules: { "max-lines-per-function": ["error", { max: 200 }], "max-lines": ["error", { max: 400 }] },
  },
  { files: ["config/**"], rules: { "no-restricted-syntax": "off" } },
);
