// What TeX commands stand for, for math.js. Names of one kind stand in one string: "name sign name sign ...".

function pairs(text) {
  const words = text.trim().split(/\s+/);
  const found = new Map();
  for (let at = 0; at < words.length; at += 2) found.set(words[at], words[at + 1]);
  return found;
}

const TEX_LETTERS = pairs(`
alpha α beta β gamma γ delta δ epsilon ϵ varepsilon ε zeta ζ eta η theta θ vartheta ϑ iota ι kappa κ varkappa ϰ lambda λ
mu μ nu ν xi ξ omicron ο pi π varpi ϖ rho ρ varrho ϱ sigma σ varsigma ς tau τ upsilon υ phi ϕ varphi φ chi χ psi ψ omega ω
ell ℓ imath ı jmath ȷ hbar ℏ hslash ℏ wp ℘ partial ∂ eth ð beth ℶ gimel ℷ daleth ℸ aleph ℵ`);

// Upright, as in TeX.
const TEX_UPRIGHT = pairs(`
Gamma Γ Delta Δ Theta Θ Lambda Λ Xi Ξ Pi Π Sigma Σ Upsilon Υ Phi Φ Psi Ψ Omega Ω Alpha Α Beta Β Epsilon Ε Zeta Ζ Eta Η
Iota Ι Kappa Κ Mu Μ Nu Ν Rho Ρ Tau Τ Chi Χ infty ∞ infin ∞ emptyset ∅ varnothing ⌀ Re ℜ Im ℑ nabla ∇ top ⊤ bot ⊥ angle ∠
measuredangle ∡ sphericalangle ∢ triangle △ square □ Box □ blacksquare ■ qed ■ lozenge ◊ Diamond ◇ diamondsuit ♢
heartsuit ♡ clubsuit ♣ spadesuit ♠ flat ♭ natural ♮ sharp ♯ checkmark ✓ degree ° S § P ¶ dag † ddag ‡ copyright © pounds £
euro € R ℝ N ℕ Z ℤ Q ℚ C ℂ prime ′ backprime ‵ bigstar ★ complement ∁ ldots … dots … dotsc … dotso … cdots ⋯ dotsb ⋯ dotsm ⋯
dotsi ⋯ vdots ⋮ ddots ⋱ iddots ⋰ exists ∃ nexists ∄ forall ∀ textdegree ° % % $ $ # # & & _ _`);

// Operators and relations, which the browser spaces.
const TEX_OPERATORS = pairs(`
times × div ÷ cdot ⋅ pm ± mp ∓ ast ∗ star ⋆ circ ∘ bullet ∙ oplus ⊕ ominus ⊖ otimes ⊗ oslash ⊘ odot ⊙ cap ∩ cup ∪ uplus ⊎
sqcap ⊓ sqcup ⊔ vee ∨ lor ∨ wedge ∧ land ∧ setminus ∖ smallsetminus ∖ wr ≀ amalg ⨿ dagger † ddagger ‡ ltimes ⋉ rtimes ⋊
bmod mod neg ¬ lnot ¬ boxplus ⊞ boxtimes ⊠ bigtriangleup △ bigtriangledown ▽ triangleleft ◃ triangleright ▹
le ≤ leq ≤ leqslant ⩽ ge ≥ geq ≥ geqslant ⩾ ne ≠ neq ≠ ll ≪ gg ≫ lt < gt > approx ≈ approxeq ≊ sim ∼ simeq ≃ cong ≅
equiv ≡ propto ∝ varpropto ∝ asymp ≍ doteq ≐ triangleq ≜ coloneqq ≔ coloneq ≔ eqqcolon ≕ prec ≺ succ ≻ preceq ⪯ succeq ⪰
in ∈ notin ∉ ni ∋ owns ∋ subset ⊂ supset ⊃ subseteq ⊆ supseteq ⊇ subsetneq ⊊ supsetneq ⊋ nsubseteq ⊈ nsupseteq ⊉
sqsubseteq ⊑ sqsupseteq ⊒ mid ∣ nmid ∤ parallel ∥ nparallel ∦ perp ⟂ vdash ⊢ dashv ⊣ models ⊨ vDash ⊨ Vdash ⊩ bowtie ⋈
smile ⌣ frown ⌢ divides ∣ lesssim ≲ gtrsim ≳ lessgtr ≶ nleq ≰ ngeq ≱ nless ≮ ngtr ≯ ncong ≇ therefore ∴ because ∵
to → rightarrow → longrightarrow ⟶ gets ← leftarrow ← longleftarrow ⟵ leftrightarrow ↔ longleftrightarrow ⟷ mapsto ↦
longmapsto ⟼ Rightarrow ⇒ Longrightarrow ⟹ implies ⟹ Leftarrow ⇐ Longleftarrow ⟸ impliedby ⟸ Leftrightarrow ⇔
Longleftrightarrow ⟺ iff ⟺ uparrow ↑ downarrow ↓ updownarrow ↕ Uparrow ⇑ Downarrow ⇓ Updownarrow ⇕ nearrow ↗ searrow ↘
swarrow ↙ nwarrow ↖ hookrightarrow ↪ hookleftarrow ↩ rightharpoonup ⇀ rightharpoondown ⇁ leftharpoonup ↼
leftharpoondown ↽ rightleftharpoons ⇌ rightleftarrows ⇄ twoheadrightarrow ↠ rightsquigarrow ⇝ leadsto ⇝ nrightarrow ↛
nRightarrow ⇏ nLeftrightarrow ⇎ circlearrowleft ↺ circlearrowright ↻ colon : lbrack [ rbrack ] vert | lvert | rvert | Vert ‖
lVert ‖ rVert ‖ | ‖ { { } } lbrace { rbrace } langle ⟨ rangle ⟩ lfloor ⌊ rfloor ⌋ lceil ⌈ rceil ⌉ lgroup ⟮ rgroup ⟯
ulcorner ⌜ urcorner ⌝ llcorner ⌞ lrcorner ⌟ backslash \\ surd √ slash /`);

// Large operators: those with limits above and below where there is room, and integrals, which have them beside.
const TEX_LIMITED = pairs(`
sum ∑ prod ∏ coprod ∐ bigcup ⋃ bigcap ⋂ bigoplus ⨁ bigotimes ⨂ bigodot ⨀ bigvee ⋁ bigwedge ⋀ bigsqcup ⨆ biguplus ⨄`);
const TEX_INTEGRALS = pairs(`int ∫ smallint ∫ iint ∬ iiint ∭ oint ∮ oiint ∯`);

const TEX_FUNCTIONS = new Set(
  `sin cos tan cot sec csc arcsin arccos arctan arccot sinh cosh tanh coth sech csch exp log ln lg arg deg dim hom ker
   tg ctg arctg sgn sign lcm rad ord rank tr erf diag id vol area Aut Gal var cov mex cis`.trim().split(/\s+/));
const TEX_LIMIT_FUNCTIONS = pairs(`
lim lim max max min min sup sup inf inf limsup lim␣sup liminf lim␣inf det det gcd gcd Pr Pr argmax arg␣max argmin arg␣min
injlim inj␣lim projlim proj␣lim`);

const TEX_ACCENTS = pairs(`
hat ^ widehat ^ bar ‾ overline ‾ vec → overrightarrow → overleftarrow ← overleftrightarrow ↔ dot ˙ ddot ¨ dddot ⃛ tilde ~
widetilde ~ check ˇ breve ˘ acute ´ grave \` mathring ˚ overbrace ⏞ overparen ⏜ wideparen ⏜ overarc ⏜ overbracket ⎴`);
const TEX_UNDER = pairs(`underline _ underbar _ underbrace ⏟ underbracket ⎵ underrightarrow → underleftarrow ←`);
const TEX_STRETCHED = new Set(
  `widehat overline overrightarrow overleftarrow overleftrightarrow widetilde overbrace overparen wideparen overarc
   overbracket underline underbrace underbracket underrightarrow underleftarrow`.trim().split(/\s+/));
const TEX_ARROWS = pairs(`
xrightarrow → xleftarrow ← xleftrightarrow ↔ xRightarrow ⇒ xLeftarrow ⇐ xLeftrightarrow ⇔ xmapsto ↦ xhookrightarrow ↪
xlongequal = xlongrightarrow ⟶`);

// Widths in em; a negative one pulls together.
const TEX_SPACES = new Map([
  [",", 0.1667], ["thinspace", 0.1667], [":", 0.2222], [">", 0.2222], ["medspace", 0.2222], [";", 0.2778],
  ["thickspace", 0.2778], ["!", -0.1667], ["negthinspace", -0.1667], [" ", 0.25], ["\n", 0.25], ["space", 0.25],
  ["nobreakspace", 0.25], ["enspace", 0.5], ["enskip", 0.5], ["quad", 1], ["qquad", 2], ["/", 0],
]);

const TEX_FONTS = pairs(`
mathrm rm mathbf bf mathbb bb Bbb bb mathcal cal mathscr cal mathfrak frak mathsf sf mathtt tt mathit it mathnormal normal
boldsymbol bi bm bi pmb bi mathup rm symbf bf symrm rm rm rm bf bf it it sf sf tt tt cal cal`);
const TEX_SWITCHES = new Set("rm bf it sf tt cal".split(" "));
const TEX_TEXTS = pairs(`
text rm textrm rm textnormal rm textup rm mbox rm hbox rm textbf bf textit it emph it textsl it texttt tt textsf sf textsc rm
intertext rm shortintertext rm`);

// What changes nothing that a reader needs: dropped, with so many groups in braces behind it.
const TEX_IGNORED = new Map([
  ...`nonumber notag hfill hfil hline allowbreak nobreak noindent par relax mathstrut strut limits nolimits displaylimits
      bigskip medskip smallskip centering protect ensuremath mathord mathopen mathclose mathinner mathpunct null boldmath
      nobreakdash newline linebreak`.trim().split(/\s+/).map((name) => [name, 0]),
  ...`label color hspace* vspace vspace* cline setlength pagebreak`.split(" ").map((name) => [name, 1]),
]);

// Environments: the delimiters around them, how their columns stand, and whether they are set as displays.
const TEX_ENVIRONMENTS = new Map([
  ["matrix", { columns: "c" }], ["smallmatrix", { columns: "c" }], ["pmatrix", { open: "(", close: ")", columns: "c" }],
  ["bmatrix", { open: "[", close: "]", columns: "c" }], ["Bmatrix", { open: "{", close: "}", columns: "c" }],
  ["vmatrix", { open: "|", close: "|", columns: "c" }], ["Vmatrix", { open: "‖", close: "‖", columns: "c" }],
  ["array", { argument: true, columns: "c" }], ["subarray", { argument: true, columns: "c" }],
  ["tabular", { argument: true, columns: "c" }],
  ["cases", { open: "{", columns: "l" }], ["dcases", { open: "{", columns: "l", display: true }],
  ["rcases", { close: "}", columns: "l" }],
  ...["aligned", "align", "align*", "split", "eqnarray", "eqnarray*", "flalign", "flalign*"]
    .map((name) => [name, { columns: "rl", display: true, joined: true }]),
  ...["alignedat", "alignat", "alignat*"]
    .map((name) => [name, { columns: "rl", display: true, joined: true, argument: true }]),
  ...["gathered", "gather", "gather*", "multline", "multline*"].map((name) => [name, { columns: "c", display: true }]),
  ...["equation", "equation*", "displaymath", "math"].map((name) => [name, { plain: true, columns: "c", display: true }]),
]);

const TEX_NEGATED = pairs(`= ≠ < ≮ > ≯ ∈ ∉ ∋ ∌ ⊂ ⊄ ⊃ ⊅ ⊆ ⊈ ⊇ ⊉ ∣ ∤ ∥ ∦ ≡ ≢ ∼ ≁ ≃ ≄ ≅ ≇ ≈ ≉ ≤ ≰ ≥ ≱ ∃ ∄ → ↛ ⇒ ⇏ ⇔ ⇎ ← ↚`);

// Letters of other alphabets: the first code points of A, a and 0, and the letters that Unicode had before.
const TEX_ALPHABETS = {
  bf: [0x1d400, 0x1d41a, 0x1d7ce], bi: [0x1d468, 0x1d482, 0x1d7ce], bb: [0x1d538, 0x1d552, 0x1d7d8],
  cal: [0x1d49c, 0x1d4b6, null], frak: [0x1d504, 0x1d51e, null], sf: [0x1d5a0, 0x1d5ba, 0x1d7e2],
  tt: [0x1d670, 0x1d68a, 0x1d7f6],
};
const TEX_EXCEPTIONS = {
  bb: pairs("C ℂ H ℍ N ℕ P ℙ Q ℚ R ℝ Z ℤ"),
  cal: pairs("B ℬ E ℰ F ℱ H ℋ I ℐ L ℒ M ℳ R ℛ e ℯ g ℊ o ℴ"),
  frak: pairs("C ℭ H ℌ I ℑ R ℜ Z ℨ"),
};
